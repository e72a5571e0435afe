import type { AlertTransition } from '../../../contract/rules.ts'
import { judge } from '../../../rules/noise/judge.ts'
import type { Hush, Known, NoiseDevice, NoiseRule, Step, World } from '../../../rules/noise/state.ts'

export const T0 = 1_800_000_000_000
export const MIN = 60_000

/** An alert of a rule over one label, with what a test wants otherwise. */
export function word(
  device: string,
  rule: string,
  atMs: number,
  over: Partial<AlertTransition> = {},
): AlertTransition {
  const labels = over.labels ?? {}
  const fingerprint = `${rule}|${Object.values(labels).join()}`
  return {
    ...{ kind: 'firing', rule, ruleVersion: '1', cause: fingerprint, client: 'demo', device },
    ...{ metric: 'm', labels, fingerprint, atMs },
    evidence: {
      value: 1,
      unit: 'count',
      threshold: 1,
      forecast: null,
      points: [],
      sentence: `${rule} fires`,
    },
    ...over,
  }
}

type Open = { members: Set<string>; alerts: Set<string>; sinceMs: number }

/** Noise control with a book of what the steps make of incidents. */
export function room(options: {
  rules?: Record<string, Partial<NoiseRule>>
  devices: NoiseDevice[]
  hush?: (alert: AlertTransition, nowMs: number) => Hush | undefined
}) {
  let known = new Map<string, Known>()
  const open = new Map<string, Open>()
  const opened: string[] = []
  const log: Step[] = []
  let due: number | null = null
  const hostName = (host: { of: string; site?: string; device?: string; cause?: string }): string =>
    host.of === 'site' ? `site ${host.site}` : `${host.device} ${host.cause}`

  function open_(name: string, sinceMs: number): Open {
    let one = open.get(name)
    if (one === undefined) {
      one = { members: new Set(), alerts: new Set(), sinceMs }
      open.set(name, one)
      opened.push(name)
    }
    return one
  }

  function carryOut(step: Step): void {
    log.push(step)
    if (step.do === 'site') open_(`site ${step.site}`, step.atMs)
    else if (step.do === 'site-over') open.delete(`site ${step.site}`)
    else if (step.do === 'fire')
      open_(`${step.alert.device} ${step.alert.cause}`, step.alert.atMs).alerts.add(step.alert.fingerprint)
    else if (step.do === 'clear' || step.do === 'merge') {
      const name = `${step.alert.device} ${step.alert.cause}`
      open.get(name)?.alerts.delete(step.alert.fingerprint)
      if (open.get(name)?.alerts.size === 0) open.delete(name)
    } else if (step.do === 'join') {
      const host = open.get(hostName(step.into))
      if (host === undefined) throw new Error(`no incident ${hostName(step.into)} to join`)
      host.members.add(`${step.alert.device} ${step.alert.fingerprint}`)
    } else if (step.do === 'leave')
      open.get(hostName(step.from))?.members.delete(`${step.alert.device} ${step.alert.fingerprint}`)
  }

  return {
    hear(words: AlertTransition[], nowMs: number): Step[] {
      const world: World = {
        nowMs,
        rule: (name) => ({
          severity: 'warning',
          during: 'always',
          inhibitedBy: [],
          ...options.rules?.[name],
        }),
        device: (id) => options.devices.find(({ device }) => device === id),
        site: (site) => options.devices.filter((device) => device.site === site),
        hush: (alert) => options.hush?.(alert, nowMs),
      }
      const judged = judge(known, words, world)
      known = new Map([...judged.known].map(([key, one]) => [key, structuredClone(one)]))
      due = judged.dueMs
      for (const step of judged.steps) carryOut(step)
      return judged.steps
    },
    /** Open incidents by name, each with its alerts and members. */
    incidents: () =>
      Object.fromEntries(
        [...open]
          .toSorted()
          .map(([name, { alerts, members }]) => [
            name,
            { alerts: [...alerts].toSorted(), members: [...members].toSorted() },
          ]),
      ),
    opened,
    log,
    size: () => known.size,
    due: () => due,
  }
}

/** Machines of one site that were just heard of. */
export function machines(count: number, site = 'madrid', roams = false): NoiseDevice[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ device: `${site}-${index}`, site, tags: roams ? ['laptop'] : [], roams, lastSeenMs: T0 },
  }))
}
