import { flushCompileCache } from 'node:module'
import { parseArgs } from 'node:util'
import { ERROR_CODES, VigiaError, asVigiaError } from '../contract/errors.ts'
import { buildAgent } from './app.ts'
import { createLog, isLogLevel, type LogLevel } from './log.ts'

type Arguments = { dataDir: string; level: LogLevel; parent: number | undefined }

const PARENT_POLL_MS = 2000

/**
 * What the command line names: the data directory (USAGE without it), the least level to log (info), and the process
 * that the agent belongs to and ends with, however that one ends.
 */
export function readArguments(argv: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        data: { type: 'string' },
        'log-level': { type: 'string', default: 'info' },
        parent: { type: 'string' },
      },
    })
    const { data: dataDir, 'log-level': level } = values
    const parent = values.parent === undefined ? undefined : Number(values.parent)
    if (dataDir !== undefined && dataDir !== '' && isLogLevel(level)) return { dataDir, level, parent }
  } catch (thrown) {
    throw new VigiaError('USAGE', asVigiaError(thrown).message, { cause: thrown })
  }
  throw new VigiaError(
    'USAGE',
    'node agent/main.ts --data DIR [--log-level debug|info|warn|error] [--parent PID]',
  )
}

/** Says on stderr what is wrong and how to mend it, and ends with the code's exit status. */
export function fail(thrown: unknown): void {
  const fault = asVigiaError(thrown)
  process.stderr.write(`${fault.code}: ${fault.message}\nNext step: ${fault.next}\n`)
  process.exitCode = ERROR_CODES[fault.code].exit
}

/** Runs the agent until SIGTERM or SIGINT; logs JSON lines to stderr. */
export function runAgent(argv: readonly string[]): void {
  const { dataDir, level, parent } = readArguments(argv)
  const log = createLog({ level, now: Date.now, write: (line) => process.stderr.write(line) })
  const agent = buildAgent({ dataDir, log, now: Date.now, random: Math.random })
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    agent.stop().then(
      () => process.exit(0),
      (thrown: unknown) => {
        fail(thrown)
        process.exit()
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', stop)
  if (parent !== undefined)
    setInterval(() => {
      if (process.ppid !== parent) stop()
    }, PARENT_POLL_MS).unref()
  process.on('uncaughtException', (thrown) => {
    log.error('a fault of the agent', { error: thrown.message, stack: thrown.stack })
    fail(thrown)
    process.exit()
  })
  agent.start()
  // What only a running agent loads is in the cache for the next start too.
  setTimeout(flushCompileCache, 30_000).unref()
}

if (import.meta.main) {
  try {
    runAgent(process.argv.slice(2))
  } catch (thrown) {
    fail(thrown)
  }
}
