import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/** The command line as it is run. */
export const MAIN = join(import.meta.dirname, '../../cli/main.ts')

type Run = { code: number | null; out: string; error: string }

/** A suite in a folder of its own, in which people with key stores run the real command. */
export function suiteOfSigners(): {
  folder: () => string
  /** A path in the folder. */
  at: (name: string) => string
  /** Runs the command as a person with a key store of their own; no server listens on port 1. */
  as: (person: string, ...args: string[]) => Run
} {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-approve-'))
    writeFileSync(at('local.token'), 'token\n')
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const at = (name: string): string => join(folder, name)
  const as = (person: string, ...args: string[]): Run => {
    const run = spawnSync(
      process.execPath,
      [MAIN, '--data', folder, '--server', 'http://127.0.0.1:1', ...args],
      {
        ...{ encoding: 'utf8', cwd: folder, env: { ...process.env, VIGIA_KEYS: at(`keys-${person}`) } },
        input: '',
      },
    )
    return { code: run.status, out: run.stdout, error: run.stderr }
  }
  return { folder: () => folder, at, as }
}
