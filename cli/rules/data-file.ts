import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { VigiaError } from '../../contract/errors.ts'
import { csvCells, isMissing } from './csv.ts'

/** One row of a data file: simulated minutes (a fraction is seconds), the series' name and its value. */
export type DataRow = (minute: number, series: string, value: number) => void

/** Some 1,900 years; Unix time in seconds is beyond. */
const MOST_MINUTES = 1e9

const WHAT = 'a header, then minute, series name and value in three columns'

/**
 * Streams a CSV of minute, series and value (gzip when its name ends in .gz) row by row; an empty value is one that
 * was not measured (or one of `nan`, `null`, `na`) and is left out. A cell may stand in quotes (RFC 4180), within one line. The minutes of a series must
 * rise. NOT_FOUND when it cannot be read; REQUEST_INVALID with file and line at the first row that is not so, or where
 * the gzip is none.
 */
export async function readData(file: string, row: DataRow): Promise<void> {
  const lines = lineReader(file, row)
  const source = createReadStream(file)
  const decoder = new TextDecoder()
  const sink = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) lines.take(decoder.decode(chunk, { stream: true }))
    lines.end()
  }
  try {
    await (file.endsWith('.gz') ? pipeline(source, createGunzip(), sink) : pipeline(source, sink))
  } catch (thrown) {
    if (thrown instanceof VigiaError) throw thrown
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('Z_'))
      throw new VigiaError('REQUEST_INVALID', `${file} is no whole gzip file: ${why}`, { cause: thrown })
    throw new VigiaError('NOT_FOUND', `cannot read ${file}: ${why}`, { cause: thrown })
  }
}

function lineReader(file: string, row: DataRow): { take(text: string): void; end(): void } {
  const newest = new Map<string, number>()
  let rest = ''
  let number = 0

  function fault(message: string): VigiaError {
    return new VigiaError('REQUEST_INVALID', `${file}:${number}: ${message}`, {
      faults: [{ file, line: number, message }],
    })
  }

  function line(text: string): void {
    number++
    if (text === '') return
    const cells = csvCells(text)
    const [minuteText = '', series = '', valueText = ''] = cells
    if (cells.length !== 3) throw fault(`not three columns; the file must have ${WHAT}`)
    const minute = Number(minuteText)
    const value = Number(valueText)
    const isNumber = minuteText.trim() !== '' && Number.isFinite(minute)
    if (number === 1) {
      if (isNumber) throw fault(`the first line is no header; the file must have ${WHAT}`)
      return
    }
    if (!isNumber) throw fault(`the minute "${minuteText}" is not a number; write minutes from any origin`)
    if (Math.abs(minute) > MOST_MINUTES)
      throw fault(`the minute "${minuteText}" is too far off: seconds and milliseconds are no minutes`)
    if (isMissing(valueText)) return
    if (!Number.isFinite(value))
      throw fault(`the value "${valueText}" is not a number; leave it empty where none was measured`)
    const before = newest.get(series)
    if (before !== undefined && minute <= before)
      throw fault(
        `minute ${minute} of ${series} does not come after ${before}; sort the rows of a series by minute`,
      )
    newest.set(series, minute)
    row(minute, series, value)
  }

  return {
    take(text) {
      let from = 0
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
        const whole = rest === '' ? text.slice(from, at) : rest + text.slice(from, at)
        rest = ''
        line(whole.endsWith('\r') ? whole.slice(0, -1) : whole)
        from = at + 1
      }
      rest += text.slice(from)
    },
    end() {
      if (rest !== '') line(rest)
      if (number === 0) {
        number = 1
        throw fault(`the file is empty; it must have ${WHAT}`)
      }
    },
  }
}
