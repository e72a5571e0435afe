import type { Systeminformation } from 'systeminformation'
import { nothing, withoutEmpty, type InventoryPart, type Unavailable } from './part.ts'

/** The answers of systeminformation that make up the hardware document. */
export type HardwareAnswers = {
  system: Systeminformation.SystemData
  bios: Systeminformation.BiosData
  baseboard: Systeminformation.BaseboardData
  chassis: Systeminformation.ChassisData
  cpu: Systeminformation.CpuData
  memory: Systeminformation.MemData
  modules: Systeminformation.MemLayoutData[]
  disks: Systeminformation.DiskLayoutData[]
  blocks: Systeminformation.BlockDevicesData[]
  graphics: Systeminformation.GraphicsData
  networks: Systeminformation.NetworkInterfacesData[]
}

/**
 * The hardware document. A section that systeminformation left empty is listed as unavailable; a model without a
 * maker is its guess from other signs and is taken as empty.
 */
export function hardwarePart(answers: HardwareAnswers): InventoryPart {
  const { system, bios, baseboard, chassis, cpu, memory, modules, disks, blocks, graphics, networks } =
    answers
  const { virtual, virtualHost, ...machine } = system
  const { flags: _flags, cache: _cache, ...processor } = cpu
  const sections = {
    system: machine.manufacturer === '' ? undefined : withoutEmpty(machine),
    bios: withoutEmpty({ ...bios, language: '', features: [] }),
    baseboard: withoutEmpty(baseboard),
    chassis: withoutEmpty(chassis),
    cpu: withoutEmpty(processor),
    memory: memory.total > 0 ? { totalBytes: memory.total } : undefined,
    modules: listWithoutEmpty(modules.filter((module) => module.type !== '' || module.manufacturer)),
    disks: listWithoutEmpty(disks),
    blocks: listWithoutEmpty(blocks.filter((block) => block.size > 0 && !block.name.startsWith('loop'))),
    graphics: listWithoutEmpty(graphics.controllers),
    networks: listWithoutEmpty(
      networks
        .filter((each) => !each.internal)
        .map(({ iface, mac, ip4, ip6, type, speed, mtu, virtual: isVirtual }) => ({
          iface,
          mac,
          ip4,
          ip6,
          type,
          speed,
          mtu,
          virtual: isVirtual,
        })),
    ),
  }
  const unavailable: Unavailable[] = Object.entries(sections)
    .filter(([, section]) => section === undefined)
    .map(([name]) => ({ part: `hardware.${name}`, reason: 'the system tells nothing about it' }))
  if (unavailable.length === Object.keys(sections).length)
    return nothing('hardware', 'the system tells nothing about its hardware')
  const kept = Object.fromEntries(Object.entries(sections).filter(([, section]) => section !== undefined))
  return {
    kind: 'hardware',
    document: { ...kept, virtual, ...(virtualHost ? { virtualHost } : {}) },
    samples: [],
    unavailable,
  }
}

function listWithoutEmpty<T extends object>(list: readonly T[]): Partial<T>[] | undefined {
  const kept = list.flatMap((each) => withoutEmpty(each) ?? [])
  return kept.length === 0 ? undefined : kept
}
