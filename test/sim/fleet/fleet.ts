import { KINDS, type Kind } from './kinds.ts'
import { createMachine, type Machine } from './machine.ts'

/** A Monday, 00:00 UTC. */
export const FLEET_START_MS = Date.UTC(2026, 2, 2)
const DEVICES_PER_CLIENT = 50
const DEVICES_PER_SITE = 25

/** A fleet of healthy machines: clients of 50 devices at two sites, kinds mixed as their shares say. */
export function createFleet(options: { devices: number; seed: number; fastS: number }): Machine[] {
  const deck = dealt(options.devices)
  return deck.map((kind, index) => {
    const client = `client-${Math.floor(index / DEVICES_PER_CLIENT)}`
    const context = {
      ...{ client, device: `d-${String(index).padStart(16, '0')}`, hostname: `${kind.name}-${index}` },
      ...{ os: kind.os, arch: 'x64', tags: kind.tags },
      site: `site-${Math.floor(index / DEVICES_PER_SITE)}`,
    }
    return createMachine(options.seed * 1_000_003 + index, kind, context, {
      fastS: options.fastS,
      startMs: FLEET_START_MS,
    })
  })
}

/** So many kinds, spread evenly, so that every client has some of each. */
function dealt(count: number): Kind[] {
  const given = KINDS.map(() => 0)
  return Array.from({ length: count }, (_, index) => {
    let most = 0
    KINDS.forEach(({ share }, kind) => {
      const owed = share * (index + 1) - (given[kind] ?? 0)
      if (owed > (KINDS[most]?.share ?? 0) * (index + 1) - (given[most] ?? 0)) most = kind
    })
    given[most] = (given[most] ?? 0) + 1
    return KINDS[most] as Kind
  })
}
