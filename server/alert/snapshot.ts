import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'

/** Writes the state of the rules so that a crash leaves either the old file or the new one, whole. */
export function saveSnapshot(path: string, snapshot: Uint8Array): void {
  const fresh = `${path}.new`
  const file = openSync(fresh, 'w', 0o600)
  try {
    for (let done = 0; done < snapshot.length;) done += writeSync(file, snapshot, done)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(fresh, path)
}

/** The state as it was saved last, and when; undefined at the first start. */
export function loadSnapshot(path: string): { bytes: Uint8Array; savedMs: number } | undefined {
  try {
    return { bytes: readFileSync(path), savedMs: Math.floor(statSync(path).mtimeMs) }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
