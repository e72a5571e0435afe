import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { Log } from '../log.ts'
import type { FromTrustChild, ToTrustChild } from './messages.ts'

const CHILD_LIMIT_MS = 30_000

/** The trust root that this device has pinned, and the only way to another one. */
export type TrustKeeper = {
  /** The exact text of the pinned root. */
  text(): string
  /** Roots that the server sent, not yet checked: one process at a time checks them, the newest that wait next. */
  take(roots: DsseEnvelope[]): void
  /** Goes on once what was sent before is checked: at once when nothing is. */
  whenSettled(then: () => void): void
  /** Waits until no process is at work. */
  stop(): Promise<void>
}

/** Keeps trust.json; `changed` is called when another root is in force and on the disk. */
export function createTrustKeeper(options: {
  paths: ToTrustChild['paths']
  text: string
  log: Log
  changed: (text: string) => void
}): TrustKeeper {
  const { paths, log, changed } = options
  let text = options.text
  let version = versionOf(text)
  let waiting: DsseEnvelope[] | undefined
  let checking: Promise<void> | undefined
  let stopped = false

  const check = async (roots: DsseEnvelope[]): Promise<void> => {
    const answer = await runChild({ paths, roots })
    if (answer.refused) {
      const { code, message: why } = answer.refused
      log.warn('a trust root was refused', { code, why, pinned: version })
    }
    if (answer.version === null || answer.version <= version) return
    text = readFileSync(paths.trust, 'utf8')
    version = versionOf(text)
    log.info('a new trust root is in force', { version })
    changed(text)
  }
  const next = (): void => {
    if (checking || stopped || waiting === undefined) return
    const roots = waiting
    waiting = undefined
    checking = check(roots)
      .catch((thrown: unknown) => log.error('trust roots could not be checked', { why: String(thrown) }))
      .finally(() => {
        checking = undefined
        next()
      })
  }

  const whenSettled = (then: () => void): void => {
    if (checking) void checking.then(() => whenSettled(then))
    else then()
  }

  return {
    text: () => text,
    take(roots) {
      waiting = roots
      next()
    },
    whenSettled,
    async stop() {
      stopped = true
      await checking
    },
  }
}

/** The version that a root's text names; 0 when it names none. */
function versionOf(text: string): number {
  const found: unknown = JSON.parse(text)
  return typeof found === 'object' && found !== null && 'version' in found ? Number(found.version) : 0
}

function runChild(message: ToTrustChild): Promise<FromTrustChild> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('child.ts', import.meta.url)), [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--max-old-space-size=128'],
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), CHILD_LIMIT_MS)
    let answer: FromTrustChild | undefined
    child.once('message', (told: FromTrustChild) => (answer = told))
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      if (answer) resolve(answer)
      else reject(new Error(`the check ended with ${signal ?? `code ${String(code)}`}`))
    })
    child.send(message, (fault) => {
      if (fault) child.kill('SIGKILL')
    })
  })
}
