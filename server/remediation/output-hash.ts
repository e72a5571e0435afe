import { createHash } from 'node:crypto'
import type { TranscriptPiece } from '../../contract/command.ts'

/** What is kept of what a job printed. */
export type KeptOutput = {
  stdout: string
  stderr: string
  fields: Readonly<Record<string, string>>
  transcript: readonly TranscriptPiece[]
}

/**
 * The SHA-256, in hexadecimal, by which the audit chain knows a job's output: `output` of the JSON text
 * `[stdout, stderr]`, `shown` of `[fields, transcript]`, the fields as pairs sorted by name (UTF-16 code units) and each
 * piece of the transcript as `[stream, text, bytes left out before it]`.
 */
export function outputHashes({ stdout, stderr, fields, transcript }: KeptOutput): {
  output: string
  shown: string
} {
  const named = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))
  const pieces = transcript.map((piece) => [piece.stream, piece.text, piece.skipped])
  return { output: sha256([stdout, stderr]), shown: sha256([named, pieces]) }
}

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
