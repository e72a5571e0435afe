import type { AlertTransition } from '../../../contract/rules.ts'
import { seriesKey } from '../../../contract/wire.ts'
import { FIRING } from '../../alert.ts'
import { renderTemplate } from '../../language/template.ts'
import type { Header } from './format.ts'
import type { RunningRule } from '../state.ts'

/** A rule of a snapshot; `now` is what goes on with its alerts, `phases` where they stood. */
export type OldRule = Header['rules'][number] & {
  now: RunningRule | undefined
  phases: Uint8Array
}

/** Resolutions of a device's alerts whose rule is gone. */
export function withdraw(
  header: Header,
  { context, newestMs, watches, vectors, bindings }: Header['devices'][number],
  old: readonly OldRule[],
): AlertTransition[] {
  const gone = new Map<string, AlertTransition>()
  const add = (index: number, slot: number, labels: Record<string, string>): void => {
    const rule = old[index]
    if (rule === undefined || rule.now !== undefined || rule.phases[slot] !== FIRING) return
    const fingerprint = `${rule.name}|${seriesKey(rule.metric, labels)}`
    gone.set(fingerprint, {
      kind: 'resolved',
      rule: rule.name,
      ruleVersion: rule.version,
      cause: rule.cause === null ? fingerprint : renderTemplate(rule.cause, labels),
      client: context.client,
      device: context.device,
      metric: rule.metric,
      labels,
      fingerprint,
      atMs: newestMs,
      evidence: {
        value: null,
        unit: '',
        threshold: null,
        forecast: null,
        points: [],
        sentence: `The rule ${rule.name} was withdrawn.`,
      },
    })
  }
  for (const { rule, slot } of [...watches, ...vectors]) add(rule, slot, old[rule]?.labels ?? {})
  for (const { plan: index, entrySlots } of bindings) {
    const plan = header.plans[index]
    plan?.series.forEach(({ labels }, series) => {
      for (let entry = plan.starts[series] as number; entry < (plan.starts[series + 1] as number); entry++)
        add(plan.rules[entry] as number, entrySlots[entry] as number, labels)
    })
  }
  return [...gone.values()]
}
