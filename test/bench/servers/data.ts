import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** A row every five minutes: the step of the Application Server Dataset. */
export const ROW_MS = 300_000
/** Two labelled runs less than an hour apart are one event: nobody would open a second incident for it. */
const MERGE_ROWS = 12

/** One server: rows of metrics, the labelled part from row `testFrom` on; events are [from, to) in its rows. */
export type Server = {
  name: string
  names: string[]
  rows: Float64Array[]
  testFrom: number
  labelledRuns: number
  events: [number, number][]
}

/** Reads every `NAME-train.csv.gz` of a folder with the `NAME-test.csv.gz` beside it. */
export function readServers(folder: string): Server[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('-train.csv.gz'))
    .map((file) => file.replace('-train.csv.gz', ''))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => readServer(folder, name))
}

function readServer(folder: string, name: string): Server {
  const train = readTable(join(folder, `${name}-train.csv.gz`))
  const test = readTable(join(folder, `${name}-test.csv.gz`))
  const names = train.header.filter((column) => column !== 'minute' && column !== 'anomaly')
  const pick = (table: Table): Float64Array[] => {
    const columns = names.map((column) => table.header.indexOf(column))
    return table.rows.map((row) => Float64Array.from(columns, (column) => row[column] ?? NaN))
  }
  const label = test.header.indexOf('anomaly')
  if (label < 0) throw new RangeError(`${name}-test.csv.gz has no column anomaly`)
  const labelled = test.rows.map((row) => row[label] === 1)
  return {
    name,
    names,
    rows: [...pick(train), ...pick(test)],
    testFrom: train.rows.length,
    labelledRuns: runsOf(labelled, 0).length,
    events: runsOf(labelled, MERGE_ROWS).map(([from, to]) => [
      from + train.rows.length,
      to + train.rows.length,
    ]),
  }
}

type Table = { header: string[]; rows: number[][] }

function readTable(path: string): Table {
  const [header = '', ...lines] = gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n')
  return { header: header.split(','), rows: lines.map((line) => line.split(',').map(Number)) }
}

/** Runs of true as [from, to); two with fewer than `merge` rows between them are one. */
export function runsOf(labelled: readonly boolean[], merge: number): [number, number][] {
  const runs: [number, number][] = []
  labelled.forEach((is, row) => {
    if (!is) return
    const last = runs.at(-1)
    if (last !== undefined && (row === last[1] || row - last[1] < merge)) last[1] = row + 1
    else runs.push([row, row + 1])
  })
  return runs
}
