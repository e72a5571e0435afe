import { createHash } from 'node:crypto'
import type { RunPlan, RunRequest, RunView } from '../../contract/run.ts'
import type { Planned } from './plan.ts'
import type { Orderer } from './ports.ts'

/** So many devices are named one by one. */
const LISTED_DEVICES = 20

/** A list of runs does not repeat ten thousand devices for each. */
export function shortened(view: RunView): RunView {
  const { target } = view.request
  if (target.kind !== 'devices' || target.devices.length <= LISTED_DEVICES) return view
  const devices = target.devices.slice(0, LISTED_DEVICES)
  return { ...view, request: { ...view.request, target: { ...target, devices } } }
}

/** What an order would reach, as pages and the CLI see it. */
export function toRunPlan({ script, devices, omitted, ends }: Planned, nextMs: number[]): RunPlan {
  let wave = 0
  return {
    script: script.content.name,
    version: script.content.version,
    digest: script.digest,
    devices: devices.map(({ id, client, hostname, online }, place) => {
      while (place >= (ends[wave] ?? Infinity)) wave += 1
      return { device: id, client, hostname, online, wave }
    }),
    omitted: omitted.map(({ id, hostname, code }) => ({ device: id, hostname, code })),
    waves: ends,
    nextMs,
  }
}

/** What the audit chain keeps of an order. A long list of devices is kept as its hash: each order that leaves stands there by itself. */
export function orderDetail(
  planned: Planned,
  request: RunRequest,
  who: Orderer,
  again: string | undefined,
): unknown {
  const { target, when, reason, dryRun, waves, concurrency, stop } = request
  const devices = target.kind === 'devices' ? target.devices : []
  return {
    script: planned.script.digest,
    parameters: planned.values,
    target:
      devices.length <= LISTED_DEVICES
        ? target
        : {
            kind: 'devices',
            count: devices.length,
            sha256: createHash('sha256').update(devices.toSorted().join('\n')).digest('hex'),
          },
    ...{ when, reason, dryRun, waves, concurrency, stop, clients: who.clients, proof: who.proof },
    devices: planned.devices.length,
    omitted: planned.omitted.length,
    ...(again === undefined ? {} : { again }),
  }
}
