import { readFile, writeFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { type Fault, VigiaError } from '../../contract/errors.ts'
import { BREACH, STAY, type Bank } from '../../rules/detector.ts'
import { DETECTORS } from '../../rules/detectors/all.ts'
import { csvCells, isMissing } from './csv.ts'

/** One row: its time as it was written and in Unix milliseconds, its value (NaN where there is none) and that text. */
export type SeriesRow = { timestamp: string; timeMs: number; value: number; text: string }

const FAULTS_SHOWN = 20

/**
 * Reads `timestamp,value` (more columns are passed over). Times are ISO 8601, with a space or a T, in UTC unless an
 * offset is written, or Unix seconds or milliseconds. REQUEST_INVALID with the line of every fault.
 */
export function readSeries(text: string, file: string): SeriesRow[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  while (lines.length > 0 && lines.at(-1) === '') lines.pop()
  const header = csvCells(lines[0] ?? '').map((name) => name.trim())
  const [timeColumn, valueColumn] = [header.indexOf('timestamp'), header.indexOf('value')]
  if (timeColumn === -1 || valueColumn === -1)
    throw unreadable(file, [
      fault(file, 1, `the header must name timestamp and value, not "${clip(lines[0] ?? '')}"`),
    ])
  const faults: Fault[] = []
  const rows = lines.slice(1).map((line, index): SeriesRow => {
    const cells = csvCells(line)
    const timestamp = (cells[timeColumn] ?? '').trim()
    const cell = (cells[valueColumn] ?? '').trim()
    const timeMs = parseTime(timestamp)
    const value = isMissing(cell) ? NaN : Number(cell)
    if (cells.length !== header.length)
      faults.push(fault(file, index + 2, `${cells.length} cells where the header has ${header.length}`))
    else if (Number.isNaN(timeMs))
      faults.push(fault(file, index + 2, `"${clip(timestamp)}" is not a time (2026-01-31 13:45:00)`))
    else if (Number.isNaN(value) && !isMissing(cell))
      faults.push(
        fault(file, index + 2, `"${clip(cell)}" is not a number; leave it empty where it is missing`),
      )
    return { timestamp, timeMs, value: Number.isFinite(value) ? value : NaN, text: cell }
  })
  if (faults.length > 0) throw unreadable(file, faults)
  return rows
}

/**
 * A score in [0, 1] for each row, from the rows up to it only: of a detector that judges by degree its degree, of any
 * other 1 from where its condition holds to where it is clear again. 0 where the value is missing. Time that goes back
 * (a change of the clock) counts as standing still.
 */
export function scoreSeries(bank: Bank, rows: readonly SeriesRow[]): Float64Array {
  const scores = new Float64Array(rows.length)
  let timeMs = -Infinity
  let holds = 0
  bank.slab.open(0)
  rows.forEach((row, index) => {
    if (Number.isNaN(row.value)) return
    timeMs = Math.max(timeMs, row.timeMs)
    const verdict = bank.step(0, timeMs, row.value)
    if (verdict !== STAY) holds = verdict === BREACH ? 1 : 0
    scores[index] = bank.score?.(0) ?? holds
  })
  return scores
}

/** Detectors that judge one series. */
export const SCORING = DETECTORS.filter(({ driven }) => driven === 'samples').map(({ name }) => name)
/** Those of them that need no parameter. */
export const SCORING_ALONE = DETECTORS.filter(
  ({ name, parameters }) => SCORING.includes(name) && parameters.safeParse({}).success,
).map(({ name }) => name)

/**
 * A bank of a detector. Its parameters are the YAML of a rule (`{above: 90}`), none where it needs none. USAGE with
 * every fault for parameters that do not fit, and for a detector that does not judge one series.
 */
export function scoringBank(name: string, parameters = '{}'): Bank {
  const detector = DETECTORS.find((one) => one.name === name)
  if (detector?.driven !== 'samples') {
    const known =
      detector === undefined ? '' : ', which judges more than one series: "vigia rules replay" tries it'
    throw new VigiaError('USAGE', `--detector is one of ${SCORING.join(', ')}, not "${name}"${known}`)
  }
  const read = detector.parameters.safeParse(readParameters(parameters))
  if (!read.success) {
    const faults = read.error.issues.map(({ path, message }) => [...path, message].join(' '))
    throw new VigiaError('USAGE', `${name} with --parameters '${clip(parameters)}': ${faults.join('; ')}`)
  }
  const [fault] = detector.check?.(read.data) ?? []
  if (fault) throw new VigiaError('USAGE', `${name} with --parameters: ${fault.field} ${fault.message}`)
  return detector.create(read.data)
}

function readParameters(text: string): unknown {
  try {
    return parse(text)
  } catch (thrown) {
    throw new VigiaError('USAGE', `--parameters is not YAML: ${clip(text)}`, { cause: thrown })
  }
}

/** Reads a series, scores it and writes `timestamp,value,anomaly_score`, one row a row; says how many and the highest. */
export async function scoreFile(options: {
  detector: string
  parameters?: string
  data: string
  out: string
}): Promise<{ rows: number; highest: number }> {
  const bank = scoringBank(options.detector, options.parameters)
  const rows = readSeries(await readText(options.data), options.data)
  const scores = scoreSeries(bank, rows)
  const lines = rows.map(
    ({ timestamp, text }, index) => `${timestamp},${text},${Number((scores[index] ?? 0).toFixed(9))}`,
  )
  try {
    await writeFile(options.out, ['timestamp,value,anomaly_score', ...lines, ''].join('\n'))
  } catch (thrown) {
    throw new VigiaError('USAGE', `cannot write ${options.out}`, { cause: thrown })
  }
  return { rows: rows.length, highest: scores.reduce((top, score) => Math.max(top, score), 0) }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    throw new VigiaError('NOT_FOUND', `cannot read ${path}`, { cause: thrown })
  }
}

function parseTime(text: string): number {
  if (/^\d{9,11}(\.\d+)?$/.test(text)) return Number(text) * 1000
  if (/^\d{12,14}$/.test(text)) return Number(text)
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?$/.exec(text)
  return match === null ? NaN : Date.parse(`${match[1]}T${match[2]}${match[3] ?? 'Z'}`)
}

function unreadable(file: string, faults: readonly Fault[]): VigiaError {
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
  return new VigiaError('REQUEST_INVALID', `${count} in ${file}`, { faults: faults.slice(0, FAULTS_SHOWN) })
}

function fault(file: string, line: number, message: string): Fault {
  return { file, line, column: 1, message }
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
