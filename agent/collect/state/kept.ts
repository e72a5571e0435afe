import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CollectLog } from '../../log.ts'

/** A small document that a collector keeps across restarts of the agent. */
export type Kept = { read(): unknown; write(value: object): void }

/**
 * Keeps a document in DATA/kept/NAME.json, written whole or not at all; in memory only where there is no data
 * directory. What cannot be read counts as not there; what cannot be written is said once and stays in memory.
 */
export function openKept(options: { dataDir: string | undefined; name: string; log: CollectLog }): Kept {
  const { dataDir, name, log } = options
  let held: unknown
  let told = false
  const folder = dataDir === undefined ? undefined : join(dataDir, 'kept')
  const path = folder === undefined ? undefined : join(folder, `${name}.json`)
  return {
    read() {
      if (held !== undefined || path === undefined) return held
      try {
        held = JSON.parse(readFileSync(path, 'utf8'))
      } catch {
        held = undefined
      }
      return held
    },
    write(value) {
      held = value
      if (folder === undefined || path === undefined) return
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 })
        renameSync(`${path}.new`, path)
        told = false
      } catch (thrown) {
        if (!told) log.warn('what a collector keeps cannot be written', { path, error: String(thrown) })
        told = true
      }
    },
  }
}
