import { Packr } from 'msgpackr'

// Non-integers go as float32: after the rounding below it gives all six digits back.
const packr = new Packr({ useRecords: false, useFloat32: 1 })

/** A value as it is reported: integers as they are, others to six significant digits, or to the unit from a million on. */
export function rounded(value: number): number {
  if (Number.isInteger(value)) return value
  return Math.abs(value) >= 1e6 ? Math.round(value) : Number(value.toPrecision(6))
}

/** MessagePack of a report (contract/report.ts): `[hash, boot, seq, timeMs, values]`; what is not finite goes as nil. */
export function encodeReport(report: {
  hash: string
  boot: string
  seq: number
  timeMs: number
  values: readonly number[]
}): Uint8Array {
  const values = report.values.map((value) => (Number.isFinite(value) ? rounded(value) : null))
  return packr.pack([report.hash, report.boot, report.seq, report.timeMs, values])
}

/** MessagePack of a document (contract/report.ts): `[kind, boot, seq, timeMs, json]`. */
export function encodeFacts(facts: {
  kind: string
  boot: string
  seq: number
  timeMs: number
  json: string
}): Uint8Array {
  return packr.pack([facts.kind, facts.boot, facts.seq, facts.timeMs, facts.json])
}
