export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** The agent's log: a message for a person and fields for machines. */
export type Log = Record<LogLevel, (message: string, fields: LogFields) => void>

/** What went wrong is called `error`: another `message` would stand in the place of the words. */
type LogFields = { time?: never; level?: never; message?: never } & Readonly<Record<string, unknown>>

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Is the text one of the levels? */
export function isLogLevel(text: string): text is LogLevel {
  return ORDER.some((level) => level === text)
}

/** Writes one JSON object a line (`time`, `level`, `message`, fields) through `write`, from `level` on. */
export function createLog(options: {
  level: LogLevel
  now: () => number
  write: (line: string) => void
}): Log {
  const from = ORDER.indexOf(options.level)
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields): void => {
      if (ORDER.indexOf(level) < from) return
      const time = new Date(options.now()).toISOString()
      options.write(`${JSON.stringify({ time, level, message, ...fields })}\n`)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** What a collector needs of it. */
export type CollectLog = Pick<Log, 'info' | 'warn'>
