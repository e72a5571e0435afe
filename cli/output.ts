import { asVigiaError, ERROR_CODES, type Fault } from '../contract/errors.ts'

/** What a command prints: a value for `--json`, and lines for a person. */
export type Printer = {
  json: boolean
  print(value: unknown, lines: () => string | readonly string[]): void
  progress(text: string): void
  /** What somebody reads before they are asked: on stderr, beside JSON too. */
  show(text: string): void
}

/**
 * Values go to stdout, progress to stderr and only where a person looks on. Whatever is printed may come from a
 * device, so nothing leaves here that could steer a terminal.
 */
export function createPrinter(json: boolean): Printer {
  return {
    json,
    print(value, lines) {
      if (json) {
        process.stdout.write(`${printableJson(value)}\n`)
        return
      }
      const text = lines()
      process.stdout.write(`${printable(typeof text === 'string' ? text : text.join('\n'))}\n`)
    },
    progress(text) {
      if (!json) this.show(text)
    },
    show(text) {
      process.stderr.write(`${printable(text)}\n`)
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
      row.map((cell) => (cell === null || cell === undefined || cell === '' ? '-' : oneLine(String(cell)))),
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

/** The same within one line: a line end in a device's name must not look like another row. */
function oneLine(text: string): string {
  return printable(text).replace(/[\t\n\u2028\u2029]/g, '�')
}

/** JSON in which what could steer a terminal is escaped; it parses to the same value. */
function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Unix milliseconds as a short UTC text; a dash for none. */
export function when(timeMs: number | null | undefined): string {
  return timeMs == null ? '-' : `${new Date(timeMs).toISOString().slice(0, 19).replace('T', ' ')}Z`
}

/**
 * Prints any error with its code, places and next step, which for a misuse is the help of the command that was called;
 * the answer is the exit code.
 */
export function printError(thrown: unknown, json: boolean, command = 'vigia'): number {
  const error = asVigiaError(thrown)
  const { exit } = ERROR_CODES[error.code]
  const next = error.code === 'USAGE' ? `See "${command} --help".` : ERROR_CODES[error.code].next
  if (json) {
    process.stderr.write(
      `${JSON.stringify({ error: { code: error.code, message: error.message, next, faults: error.faults } })}\n`,
    )
    return exit
  }
  // One fault that the message tells already is not told twice.
  const told = (fault: Fault): boolean =>
    fault.file === undefined && fault.line === undefined && error.message.includes(fault.message)
  const places = error.faults
    .filter((fault) => !told(fault))
    .map((fault) => {
      const place = [fault.file, fault.line, fault.column].filter((part) => part !== undefined).join(':')
      return `  ${[place, fault.field, fault.message].filter((part) => part !== undefined && part !== '').join('  ')}`
    })
  process.stderr.write(
    `${[`${error.code}: ${printable(error.message)}`, ...places.map(printable), `Next step: ${next}`].join('\n')}\n`,
  )
  if (error.code === 'INTERNAL' && error.stack !== undefined) process.stderr.write(`${error.stack}\n`)
  return exit
}
