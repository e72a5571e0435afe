import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readConfig } from '../../../agent/config.ts'
import type { TlsFiles } from '../../../agent/link/dial.ts'
import { agentPaths } from '../../../agent/paths.ts'
import type { SeriesSpec } from '../../../contract/report.ts'
import type { DeviceAddress } from '../../../contract/topics.ts'
import { layoutText } from '../../../contract/wire.ts'

/** What enrolment left in an agent's folder, as its link needs it. */
export type Identity = { address: DeviceAddress; mqttUrl: string; tls: TlsFiles }

/** Reads the folder of an enrolled device. */
export function readIdentity(dataDir: string): Identity {
  const paths = agentPaths(dataDir)
  const { client, device, mqttUrl } = readConfig(paths.config)
  const { caPem } = JSON.parse(readFileSync(paths.trust, 'utf8')) as { caPem: string }
  const tls = {
    key: readFileSync(paths.key, 'utf8'),
    cert: readFileSync(paths.certificate, 'utf8'),
    ca: caPem,
  }
  return { address: { client, device }, mqttUrl, tls }
}

/** So many series that no rule watches. */
export function killLayout(count: number): { hash: string; series: SeriesSpec[] } {
  const series = Array.from({ length: count }, (_, column) => ({
    metric: 'bench.value',
    labels: { column: String(column) },
    unit: '',
  }))
  return { hash: createHash('sha256').update(layoutText(series)).digest('hex').slice(0, 16), series }
}

/** The value of a column in a report: whole, so that it comes back exactly, and unlike those around it. */
export function killValue(seq: number, column: number): number {
  return (seq * 131 + column * 7919) % 1_000_003
}

/** One report as a ledger has it: what was acknowledged must be in the store exactly so. Null is unavailable. */
export type LedgerReport = {
  device: string
  boot: string
  seq: number
  timeMs: number
  series: readonly SeriesSpec[]
  values: ArrayLike<number | null>
}
