import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { readSeries, type SeriesRow } from '../../../cli/rules/score.ts'

/** A labelled window of a file: first and last row, both inside. */
export type Window = { first: number; last: number }

/** One file of the benchmark; `category` is its folder. */
export type LabelledSeries = { name: string; category: string; rows: SeriesRow[]; windows: Window[] }

const Labels = z.record(z.string(), z.array(z.tuple([z.string(), z.string()])))

/** Reads the files and windows of the Numenta Anomaly Benchmark from a folder with `data` and `labels`. */
export async function readCorpus(folder: string): Promise<LabelledSeries[]> {
  const text = await readFile(join(folder, 'labels', 'combined_windows.json'), 'utf8')
  const labels = Labels.parse(JSON.parse(text))
  const names = Object.keys(labels).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const rows = readSeries(await readFile(join(folder, 'data', name), 'utf8'), name)
      const at = new Map<string, number>()
      rows.forEach(({ timestamp }, row) => {
        const second = timestamp.slice(0, 19)
        if (!at.has(second)) at.set(second, row)
      })
      const rowOf = (moment: string): number => {
        const row = at.get(moment.slice(0, 19))
        if (row === undefined) throw new Error(`${name}: no row at ${moment}`)
        return row
      }
      const windows = (labels[name] ?? []).map(([from, to]) => ({ first: rowOf(from), last: rowOf(to) }))
      return { name, category: name.split('/')[0] ?? '', rows, windows }
    }),
  )
}
