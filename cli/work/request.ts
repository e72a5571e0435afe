import { VigiaError } from '../../contract/errors.ts'
import type { RunTarget, RunWhen, Wave } from '../../contract/run.ts'
import { findDevices } from '../fleet/find-device.ts'
import type { ServerApi } from '../server-api.ts'

export type TargetOptions = { device?: string[]; where?: string; view?: string; client?: string }

/** The target that the options name: devices, a selector, or a saved view; exactly one of them, else USAGE. */
export async function targetOf(server: ServerApi, options: TargetOptions): Promise<RunTarget> {
  const { device, where, view, client } = options
  if ([device, where, view].filter((one) => one !== undefined).length !== 1)
    throw new VigiaError(
      'USAGE',
      "Say for which devices: --device D…, --where 'CEL' or --view NAME; one of them.",
    )
  if (client !== undefined && where === undefined)
    throw new VigiaError('USAGE', '--client narrows --where; devices and views say it themselves.')
  if (where !== undefined) return { kind: 'selector', client: client ?? null, selector: where }
  if (view !== undefined) {
    const { views } = await server.call('views')
    const found = views.find((one) => one.id === view) ?? views.find((one) => one.name === view)
    if (!found) throw new VigiaError('NOT_FOUND', `There is no saved view ${JSON.stringify(view)}.`)
    return { kind: 'view', view: found.id }
  }
  return { kind: 'devices', devices: await findDevices(server, device ?? []) }
}

/** When a run begins; USAGE for a time that is none, and for two times. */
export function whenOf(options: { at?: string; cron?: string; zone?: string }): RunWhen {
  const { at, cron, zone } = options
  if (at !== undefined && cron !== undefined) throw new VigiaError('USAGE', 'Say --at or --cron, not both.')
  if (zone !== undefined && cron === undefined) throw new VigiaError('USAGE', '--zone belongs to --cron.')
  if (cron !== undefined) return { kind: 'cron', cron, timeZone: zone ?? 'UTC' }
  if (at === undefined) return { kind: 'now' }
  return { kind: 'at', atMs: momentOf('--at', at) }
}

/** A moment as people write it, in Unix milliseconds; without a zone it is in that of this machine. USAGE for what is none. */
export function momentOf(option: string, text: string): number {
  const atMs = Date.parse(text)
  if (Number.isNaN(atMs))
    throw new VigiaError(
      'USAGE',
      `${option} is a time such as 2026-12-24T22:00:00Z, not ${JSON.stringify(text)}.`,
    )
  return atMs
}

/** `1,1%,10%,100%`: how many devices each wave reaches in all. */
export function wavesOf(text: string): Wave[] {
  return text.split(',').map((part) => {
    const [, number, percent] = /^\s*(\d{1,5}(?:\.\d{1,4})?)(%?)\s*$/.exec(part) ?? []
    const value = Number(number)
    if (percent === '%' && value > 0 && value <= 100) return { percent: value }
    if (percent === '' && Number.isInteger(value) && value > 0) return { devices: value }
    throw new VigiaError(
      'USAGE',
      `A wave is a number of devices or a percentage, not ${JSON.stringify(part)}.`,
    )
  })
}
