import { pino, type Logger } from 'pino'

export type { Logger }

/** Structured logs, one JSON object a line on stderr; secrets that may ride along are cut out by name. */
export function createLog(level: string, name: string): Logger {
  return pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['*.password', '*.token', '*.secret', 'req.headers.authorization', 'req.headers.cookie'],
    },
    pino.destination({ dest: 2, sync: true }),
  )
}
