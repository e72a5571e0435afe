import { asVigiaError, ERROR_CODES } from '../contract/errors.ts'

/** What a command prints: a value for `--json`, and lines for a person. */
export type Printer = {
  json: boolean
  print(value: unknown, lines: () => string | readonly string[]): void
  progress(text: string): void
}

/** Values go to stdout, progress to stderr and only where a person looks on. */
export function createPrinter(json: boolean): Printer {
  return {
    json,
    print(value, lines) {
      if (json) {
        process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
        return
      }
      const text = lines()
      process.stdout.write(`${typeof text === 'string' ? text : text.join('\n')}\n`)
    },
    progress(text) {
      if (!json) process.stderr.write(`${text}\n`)
    },
  }
}

/** Lines of a table with aligned columns; empty cells show a dash. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | null | undefined)[])[],
): string[] {
  const cells = [
    head,
    ...rows.map((row) =>
      row.map((cell) => (cell === null || cell === undefined || cell === '' ? '-' : printable(String(cell)))),
    ),
  ]
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  return cells.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  '),
  )
}

/** Text from agents and people without control characters, so that it cannot steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '�')
}

/** Unix milliseconds as a short UTC text; a dash for none. */
export function when(timeMs: number | null | undefined): string {
  return timeMs == null ? '-' : `${new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ')}Z`
}

/** Prints any error with its code, places and next step; the answer is the exit code. */
export function printError(thrown: unknown, json: boolean): number {
  const error = asVigiaError(thrown)
  const { exit, next } = ERROR_CODES[error.code]
  if (json) {
    process.stderr.write(
      `${JSON.stringify({ error: { code: error.code, message: error.message, next, faults: error.faults } })}\n`,
    )
    return exit
  }
  const places = error.faults.map((fault) => {
    const place = [fault.file, fault.line, fault.column].filter((part) => part !== undefined).join(':')
    return `  ${[place, fault.field, fault.message].filter((part) => part !== undefined && part !== '').join('  ')}`
  })
  process.stderr.write(
    `${[`${error.code}: ${printable(error.message)}`, ...places.map(printable), `Next step: ${next}`].join('\n')}\n`,
  )
  if (error.code === 'INTERNAL' && error.stack !== undefined) process.stderr.write(`${error.stack}\n`)
  return exit
}
