import type { ParameterValues } from '../../../contract/command.ts'
import { DEFAULT_RUN, type RunOptions } from '../run/run-options.ts'
import type { RunRequest, RunTarget, Wave } from '../../../contract/run.ts'

/** A run as it stands in the form, before anything of it is checked. */
export type Draft = RunOptions & {
  script: string
  values: ParameterValues
  target: 'devices' | 'selector' | 'view'
  devices: readonly string[]
  client: string
  selector: string
  view: string
  when: 'now' | 'at' | 'cron'
  /** As an input of type datetime-local gives it, in the reader's zone. */
  at: string
  cron: string
  timeZone: string
  reason: string
}

/** An empty form, with what the address gave. */
export function newDraft(given: Partial<Draft>): Draft {
  return {
    ...DEFAULT_RUN,
    ...{ script: '', values: {}, target: 'devices', devices: [], client: '', selector: '', view: '' },
    ...{ when: 'now', at: '', cron: '0 3 * * 1', reason: '' },
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...given,
  }
}

/** `1, 1%, 10%, 100%` as waves; undefined when it is not that. */
export function parseWaves(text: string): Wave[] | undefined {
  const waves = text.split(',').map((part): Wave | undefined => {
    const [, number, percent] = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(part) ?? []
    const value = Number(number)
    if (number === undefined || value <= 0) return undefined
    if (percent === '%') return value <= 100 ? { percent: value } : undefined
    return Number.isInteger(value) ? { devices: value } : undefined
  })
  return waves.length <= 10 && waves.every((wave) => wave !== undefined) ? waves : undefined
}

/** The request of a form; undefined while it names no script, no target or no time. */
export function requestOf(draft: Draft): RunRequest | undefined {
  const target = targetOf(draft)
  const when = whenOf(draft)
  const waves = parseWaves(draft.waves)
  if (draft.script === '' || target === undefined || when === undefined || waves === undefined)
    return undefined
  return {
    script: draft.script,
    parameters: draft.values,
    target,
    when,
    offline: draft.offline,
    expiresInS: Math.round(draft.expiresHours * 3600),
    concurrency: draft.concurrency,
    waves,
    stop: { failures: draft.stopFailures, percent: draft.stopPercent },
    dryRun: draft.dryRun,
    reason: draft.reason.trim(),
  }
}

function targetOf(draft: Draft): RunTarget | undefined {
  switch (draft.target) {
    case 'devices':
      return draft.devices.length === 0 ? undefined : { kind: 'devices', devices: [...draft.devices] }
    case 'selector':
      return draft.selector.trim() === ''
        ? undefined
        : {
            kind: 'selector',
            client: draft.client === '' ? null : draft.client,
            selector: draft.selector.trim(),
          }
    case 'view':
      return draft.view === '' ? undefined : { kind: 'view', view: draft.view }
    default:
      return draft.target satisfies never
  }
}

function whenOf({ when, at, cron, timeZone }: Draft): RunRequest['when'] | undefined {
  switch (when) {
    case 'now':
      return { kind: 'now' }
    case 'at': {
      const atMs = new Date(at).getTime()
      return Number.isNaN(atMs) ? undefined : { kind: 'at', atMs }
    }
    case 'cron':
      return cron.trim() === '' ? undefined : { kind: 'cron', cron: cron.trim(), timeZone }
    default:
      return when satisfies never
  }
}
