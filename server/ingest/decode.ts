import { LIMITS } from '../../contract/limits.ts'
import { FACT_KINDS, type FactKind, type Facts } from '../../contract/report.ts'
import {
  cursorOver,
  isWhole,
  readArrayLength,
  readCount,
  readNumberOrNil,
  readTextRange,
  type Cursor,
} from './message-pack.ts'

/** A report off the wire; NaN in `values` is unavailable. */
export type DecodedReport = {
  hash: string
  boot: string
  seq: number
  timeMs: number
  values: Float64Array
}

const ID_LENGTH = 16
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Decodes `[hash, boot, seq, timeMs, values]` (contract/report.ts) straight into one Float64Array; undefined when
 * any part of it is not exactly that. One value that is not finite spoils the whole report: a sender that computes
 * NaN cannot be trusted with the others.
 */
export function decodeReport(payload: Uint8Array): DecodedReport | undefined {
  const cursor = cursorOver(payload)
  if (readArrayLength(cursor) !== 5) return undefined
  const hash = readId(cursor)
  const boot = readId(cursor)
  const seq = readCount(cursor)
  const timeMs = readCount(cursor)
  const count = readArrayLength(cursor)
  if (cursor.bad || count < 1 || count > LIMITS.seriesPerLayout) return undefined
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) values[i] = readNumberOrNil(cursor)
  return isWhole(cursor) ? { hash, boot, seq, timeMs, values } : undefined
}

/** Decodes facts, `[kind, boot, seq, timeMs, json]`; undefined when they are malformed or `json` is not JSON. */
export function decodeFacts(payload: Uint8Array): Facts | undefined {
  const cursor = cursorOver(payload)
  if (readArrayLength(cursor) !== 5) return undefined
  const kind = factKind(readText(cursor))
  const boot = readId(cursor)
  const seq = readCount(cursor)
  const timeMs = readCount(cursor)
  const json = readText(cursor)
  if (!isWhole(cursor) || kind === undefined || json === undefined || !isJson(json)) return undefined
  return { kind, boot, seq, timeMs, json }
}

/** 16 lower-case hexadecimal digits. */
function readId(cursor: Cursor): string {
  const { start, end } = readTextRange(cursor)
  if (start < 0 || end - start !== ID_LENGTH) {
    cursor.bad = true
    return ''
  }
  let text = ''
  for (let i = start; i < end; i++) {
    const code = cursor.bytes[i] ?? 0
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) cursor.bad = true
    text += String.fromCharCode(code)
  }
  return text
}

function readText(cursor: Cursor): string | undefined {
  const { start, end } = readTextRange(cursor)
  if (start < 0) return undefined
  try {
    return utf8.decode(cursor.bytes.subarray(start, end))
  } catch {
    // Not UTF-8: what the caller asked about is not there.
    return undefined
  }
}

function factKind(text: string | undefined): FactKind | undefined {
  return FACT_KINDS.find((kind) => kind === text)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
