import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { scoreSeries, scoringBank } from '../../cli/rules/score.ts'
import { type LabelledSeries, readCorpus } from './nab/corpus.ts'
import { nabScore, type Scored } from './nab/scorer.ts'

/**
 * The Numenta Anomaly Benchmark v1.1: `npm run bench -- nab [--detector NAME] [--data FOLDER] [--referee SCRIPT]`.
 * `loco` is the standard profile with each category's threshold chosen on the other categories only; the others are
 * NAB's own, with one threshold for all files. The referee, a Python script that takes a folder of results, is asked
 * too where it is there.
 */
export async function run(args: string[]): Promise<Record<string, number | string>> {
  const root = resolve(import.meta.dirname, '../..')
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string', default: resolve(root, '../shared/data') },
      detector: { type: 'string', default: 'novelty' },
      referee: { type: 'string', default: resolve(root, '../shared/referee/nab.py') },
    },
  })
  const corpus = await readCorpus(join(values.data, 'nab'))
  const before = process.cpuUsage()
  const scored = corpus.map((file) => ({
    category: file.category,
    windows: file.windows,
    scores: scoreSeries(scoringBank(values.detector), file.rows),
  }))
  const rows = corpus.reduce((sum, file) => sum + file.rows.length, 0)
  const spent = process.cpuUsage(before)
  const loco = nabScore(scored, 'standard', { leaveOut: true })
  for (const [category, { percent, threshold, windows }] of Object.entries(loco.byCategory))
    console.log(
      `${category.padEnd(24)} ${windows === 0 ? 'no windows, lost' : `${windows} windows, LOCO`} ${percent.toFixed(2)} at ${threshold.toFixed(4)}`,
    )
  const standard = nabScore(scored, 'standard')
  const figures = {
    detector: values.detector,
    loco: rounded(loco.percent),
    standard: rounded(standard.percent),
    lowFp: rounded(nabScore(scored, 'lowFp').percent),
    lowFn: rounded(nabScore(scored, 'lowFn').percent),
    threshold: standard.threshold,
    files: corpus.length,
    rows,
    cpuNanosecondsPerRow: Math.round((1000 * (spent.user + spent.system)) / rows),
    bytesPerSeries: scoringBank(values.detector).slab.bytesPerSlot,
  }
  return { ...figures, ...(await askReferee(values.referee, corpus, scored)) }
}

/** The figures of an independent scorer, named referee…; nothing where there is none. */
async function askReferee(
  script: string,
  corpus: readonly LabelledSeries[],
  scored: readonly Scored[],
): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'vigia-nab-'))
  try {
    for (const [index, { name, rows }] of corpus.entries()) {
      const file = join(folder, name)
      await mkdir(dirname(file), { recursive: true })
      const lines = rows.map((row, at) => `${row.timestamp},${row.text},${scored[index]?.scores[at] ?? 0}`)
      await writeFile(file, ['timestamp,value,anomaly_score', ...lines, ''].join('\n'))
    }
    const asked = spawnSync('/usr/bin/env', ['python3', script, folder], { encoding: 'utf8' })
    if (asked.status !== 0) {
      console.log(`The referee gave no figures: ${asked.stderr.trim().split('\n').at(-1) ?? ''}`)
      return {}
    }
    const figures = JSON.parse(asked.stdout) as Record<string, number>
    return {
      refereeLoco: figures.loco ?? NaN,
      refereeStandard: figures.standard ?? NaN,
      refereeLowFp: figures.low_fp ?? NaN,
      refereeLowFn: figures.low_fn ?? NaN,
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(2))
}
