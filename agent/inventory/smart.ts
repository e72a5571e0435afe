import { nothing, type InventoryPart, type InventorySample, type Unavailable } from './part.ts'
import { runProgram } from './program.ts'

/** One drive as the document shows it. Null where the drive does not tell. */
export type SmartDrive = {
  disk: string
  model: string | null
  serial: string | null
  firmware: string | null
  protocol: string | null
  capacityBytes: number | null
  healthy: boolean | null
  temperatureCelsius: number | null
  powerOnHours: number | null
  wearPercent: number | null
  attributes: {
    id: number
    name: string
    value: number
    worst: number
    threshold: number
    raw: number
    failed: string
  }[]
  nvme: Record<string, number> | null
}

/** Attributes whose raw count foretells a failure (Backblaze): reallocated, uncorrectable, timeouts, pending, offline. */
const TELLING = [5, 187, 188, 197, 198]
/** Normalised values that count down from 100 as an SSD wears, by the makers' own names (smartmontools' drive database). */
const LIFE_LEFT =
  /^(?:Wear_Leveling_Count|SSD_Life_Left|Media_Wearout_Indicator|Percent_Lifetime_Remain|Remaining_Lifetime_Perc)$/

/**
 * Parses one answer of `smartctl --json -a` (format version 1). Throws an Error with smartctl's own words when the
 * drive could not be asked (bits 0 and 1 of the exit status, smartctl(8)).
 */
export function parseSmartctl(
  answer: unknown,
  disk: string,
): { drive: SmartDrive; samples: InventorySample[] } {
  const all = asRecord(answer)
  const smartctl = asRecord(all['smartctl'])
  const exitStatus = asNumber(smartctl['exit_status']) ?? 0
  if ((exitStatus & 3) !== 0)
    throw new Error(messagesOf(smartctl) ?? `smartctl ended with ${String(exitStatus)}`)
  const nvme = all['nvme_smart_health_information_log']
  const attributes = asList(asRecord(all['ata_smart_attributes'])['table']).map((row) => {
    const id = asNumber(asRecord(row)['id']) ?? 0
    return {
      id,
      name: asText(asRecord(row)['name']) ?? '',
      value: asNumber(asRecord(row)['value']) ?? 0,
      worst: asNumber(asRecord(row)['worst']) ?? 0,
      threshold: asNumber(asRecord(row)['thresh']) ?? 0,
      raw: rawOf(id, asRecord(asRecord(row)['raw'])),
      failed: asText(asRecord(row)['when_failed']) ?? '',
    }
  })
  const passed = asRecord(all['smart_status'])['passed']
  const drive: SmartDrive = {
    disk,
    model: asText(all['model_name']) ?? null,
    serial: asText(all['serial_number']) ?? null,
    firmware: asText(all['firmware_version']) ?? null,
    protocol: asText(asRecord(all['device'])['protocol']) ?? null,
    capacityBytes: asNumber(asRecord(all['user_capacity'])['bytes']) ?? null,
    healthy: typeof passed === 'boolean' ? passed : null,
    temperatureCelsius: asNumber(asRecord(all['temperature'])['current']) ?? null,
    powerOnHours: asNumber(asRecord(all['power_on_time'])['hours']) ?? null,
    wearPercent: wearOf(all, attributes),
    attributes,
    nvme: nvme === undefined ? null : numbersOf(asRecord(nvme)),
  }
  return { drive, samples: samplesOf(drive) }
}

/** Asks every drive that smartctl finds. Needs the rights of root. */
export async function readSmart(timeoutMs: number): Promise<InventoryPart> {
  const scan = await runProgram('smartctl', ['--json', '--scan-open'], timeoutMs)
  if (scan.error !== undefined) return nothing('smart', scan.error)
  const devices = asList(asRecord(parseJson(scan.stdout))['devices']).map(asRecord)
  const drives: SmartDrive[] = []
  const samples: InventorySample[] = []
  const unavailable: Unavailable[] = []
  for (const device of devices) {
    const path = asText(device['name'])
    if (path === undefined) continue
    const info = asText(device['info_name']) ?? path
    const disk = nameOf(path, info)
    const openError = asText(device['open_error'])
    const answer =
      openError === undefined
        ? await runProgram('smartctl', ['--json', '-a', path, ...typeOf(device)], timeoutMs)
        : undefined
    try {
      if (answer === undefined || answer.error !== undefined) throw new Error(openError ?? answer?.error)
      const parsed = parseSmartctl(parseJson(answer.stdout), disk)
      if (parsed.drive.healthy === null)
        unavailable.push({ part: `smart.${disk}`, reason: 'the drive does not tell its health' })
      drives.push(parsed.drive)
      samples.push(...parsed.samples)
    } catch (thrown) {
      unavailable.push({
        part: `smart.${disk}`,
        reason: thrown instanceof Error ? thrown.message : String(thrown),
      })
    }
  }
  if (drives.length > 0) return { kind: 'smart', document: { drives }, samples, unavailable }
  const none = nothing('smart', 'no drive answers SMART (usual in a virtual machine)')
  return { ...none, unavailable: [...none.unavailable, ...unavailable] }
}

function samplesOf(drive: SmartDrive): InventorySample[] {
  const { disk, model, healthy, wearPercent, temperatureCelsius, powerOnHours } = drive
  const told = drive.attributes.filter(({ id }) => TELLING.includes(id))
  return [
    { metric: 'smart.healthy', labels: { disk }, value: healthy === null ? null : healthy ? 1 : 0 },
    ...told.map(({ id, raw }): InventorySample => ({
      metric: 'smart.attribute_raw',
      labels: { disk, attribute: String(id) },
      value: raw,
    })),
    ...(wearPercent === null
      ? []
      : [{ metric: 'smart.wear_percent', labels: { disk }, value: wearPercent } satisfies InventorySample]),
    { metric: 'smart.temperature_celsius', labels: { disk }, value: temperatureCelsius },
    ...(powerOnHours === null
      ? []
      : [
          {
            metric: 'smart.power_on_days',
            labels: { disk, model: model ?? '' },
            value: powerOnHours / 24,
          } satisfies InventorySample,
        ]),
  ]
}

/**
 * Seagate packs three counters of 16 bits into attribute 188 (smartmontools: `-v 188,raw16`); the lowest is the
 * count of commands that timed out. The other attributes are plain counts in their low 32 bits at most.
 */
function rawOf(id: number, raw: Record<string, unknown>): number {
  const value = asNumber(raw['value']) ?? 0
  return id === 188 && value > 0xffff ? value % 0x10000 : value
}

function wearOf(all: Record<string, unknown>, attributes: SmartDrive['attributes']): number | null {
  const told =
    asNumber(asRecord(all['nvme_smart_health_information_log'])['percentage_used']) ??
    asNumber(asRecord(all['endurance_used'])['current_percent'])
  if (told !== undefined) return told
  const left = attributes.find(({ name }) => LIFE_LEFT.test(name))
  return left === undefined ? null : Math.max(0, 100 - left.value)
}

/** `sda`, `nvme0`; drives behind one controller share a path and are told apart by smartctl's own words for them. */
function nameOf(path: string, info: string): string {
  const number = /\[(\w+_disk_\d+)\]/.exec(info)?.[1]
  const base = path.replace(/^\/dev\//, '')
  return number === undefined ? base : `${base} ${number}`
}

function typeOf(device: Record<string, unknown>): string[] {
  const type = asText(device['type'])
  return type === undefined ? [] : ['-d', type]
}

function messagesOf(smartctl: Record<string, unknown>): string | undefined {
  const texts = asList(smartctl['messages']).flatMap((each) => asText(asRecord(each)['string']) ?? [])
  return texts.length === 0 ? undefined : texts.join('; ').slice(0, 300)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw new Error('smartctl did not answer in JSON', { cause: thrown })
  }
}

function numbersOf(record: Record<string, unknown>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  )
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
