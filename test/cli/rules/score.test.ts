import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { buildProgram } from '../../../cli/program.ts'
import { readSeries, scoreFile, scoreSeries, SCORING, scoringBank } from '../../../cli/rules/score.ts'

/** As a rule would give them for a series that swings about 50. */
const PARAMETERS: Record<string, string> = {
  changepoint: '{}',
  'counter-rate': '{above: 100, window: 1h}',
  expiry: '{within: 30d}',
  flapping: '{above: 50, within: 2d}',
  leak: '{bound: 100}',
  novelty: '{}',
  seasonal: '{}',
  threshold: '{above: 90, clear: 85}',
  trend: '{bound: 100, horizon: 6h, window: 6h}',
  wear: '{bound: 100, horizon: 30d}',
}

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'vigia-score-'))))
afterEach(() => rm(folder, { recursive: true }))

/** A daily rhythm of 20 days in rows of half an hour, with an unlike night at its end and some missing values. */
function series(): string {
  const lines = ['timestamp,value']
  for (let row = 0; row < 20 * 48; row++) {
    const time = new Date(Date.UTC(2026, 0, 1) + row * 1_800_000).toISOString().slice(0, 19).replace('T', ' ')
    const value = 50 + 30 * Math.sin((row * 2 * Math.PI) / 48) + Math.sin(row * 12.9898)
    lines.push(`${time},${row % 97 === 5 ? (row % 2 === 0 ? '' : 'NaN') : row > 930 ? 200 : value}`)
  }
  return `${lines.join('\n')}\n`
}

it('writes one score in [0, 1] a row, 0 where the value is missing', async () => {
  const [data, out] = [join(folder, 'in.csv'), join(folder, 'out.csv')]
  await writeFile(data, series())
  expect(await scoreFile({ detector: 'seasonal', data, out })).toMatchObject({ rows: 960 })
  const lines = (await readFile(out, 'utf8')).trimEnd().split('\n')
  expect(lines[0]).toBe('timestamp,value,anomaly_score')
  expect(lines).toHaveLength(961)
  const cells = lines.slice(1).map((line) => line.split(','))
  expect(cells[5]).toEqual(['2026-01-01 02:30:00', 'NaN', '0'])
  for (const [, , score] of cells) {
    expect(Number(score)).toBeGreaterThanOrEqual(0)
    expect(Number(score)).toBeLessThanOrEqual(1)
  }
  expect(Number(cells[940]?.[2])).toBeGreaterThan(0.99)
})

it('names the line of every fault, an unreadable file, and the detectors that there are', async () => {
  const text = 'timestamp,value\n2026-01-01 00:00:00,1\nyesterday,2\n2026-01-01 00:10:00,two\n1,2,3\n'
  expect(() => readSeries(text, 'x.csv')).toThrowError(
    expect.objectContaining({
      code: 'REQUEST_INVALID',
      faults: [
        expect.objectContaining({ line: 3, message: '"yesterday" is not a time (2026-01-31 13:45:00)' }),
        expect.objectContaining({ line: 4 }),
        expect.objectContaining({ line: 5, message: '3 cells where the header has 2' }),
      ],
    }),
  )
  expect(() => readSeries('time,metric\n', 'x.csv')).toThrowError(
    expect.objectContaining({ faults: [expect.objectContaining({ line: 1 })] }),
  )
  const missing = { detector: 'seasonal', data: join(folder, 'no.csv'), out: join(folder, 'out.csv') }
  await expect(scoreFile(missing)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(() => scoringBank('nothing')).toThrowError(/one of .*seasonal/)
  expect(() => scoringBank('peers')).toThrowError(/more than one series.*rules replay/)
})

it('takes the parameters of a rule, and scores 1 from where the condition holds to where it is clear again', () => {
  const values = [10, 95, 88, 80, 92, 86]
  const rows = values.map((value, row) => ({ timestamp: '', timeMs: row * 60_000, value, text: '' }))
  expect([...scoreSeries(scoringBank('threshold', '{above: 90, clear: 85}'), rows)]).toEqual([
    0, 1, 1, 0, 1, 1,
  ])
  expect(() => scoringBank('threshold')).toThrowError(/exactly one of above and below/)
  expect(() => scoringBank('threshold', '{above: high}')).toThrowError(/above .*number/)
  expect(() => scoringBank('threshold', '{above: 90, clear: 95}')).toThrowError(/clear/)
  expect(() => scoringBank('threshold', '{above')).toThrowError(/not YAML/)
})

it('is causal with every detector that judges one series, and stays within 0 and 1', () => {
  const rows = readSeries(series(), 'in.csv')
  expect(Object.keys(PARAMETERS).toSorted()).toEqual(SCORING.toSorted())
  for (const [detector, given] of Object.entries(PARAMETERS)) {
    const whole = scoreSeries(scoringBank(detector, given), rows)
    const part = scoreSeries(scoringBank(detector, given), rows.slice(0, 700))
    expect([...whole.subarray(0, 700)], detector).toEqual([...part])
    for (const score of whole) expect(score >= 0 && score <= 1, detector).toBe(true)
  }
})

it('reads ISO times with and without an offset, and Unix times', () => {
  const text =
    'value,timestamp\n1,2026-01-01T00:00:00Z\n2,2026-01-01 02:00:00+02:00\n3,1767225600\n4,1767225600000\n'
  expect(readSeries(text, 'x').map(({ timeMs }) => timeMs)).toEqual(Array(4).fill(1_767_225_600_000))
})

it('is a command of the whole program, whose own --data is a folder', async () => {
  const [data, out] = [join(folder, 'in.csv'), join(folder, 'out.csv')]
  await writeFile(data, series())
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const score = ['rules', 'score', '--detector', 'novelty', '--out', out]
  await buildProgram().parseAsync([...score, '--data', data], { from: 'user' })
  expect(write).toHaveBeenCalledWith(expect.stringMatching(/out\.csv: 960 rows, highest score \d\.\d{3}\n/))
  write.mockRestore()
  expect((await readFile(out, 'utf8')).split('\n')).toHaveLength(962)
  await expect(buildProgram(true).parseAsync(score, { from: 'user' })).rejects.toMatchObject({
    code: 'USAGE',
  })
})
