import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { SeriesSpec } from '../../contract/report.ts'
import { layoutText } from '../../contract/wire.ts'
import { diskFault, syncDirectory } from './writer.ts'

/** The layouts that waiting reports need, as JSON text ready for `up/layout`. */
export type LayoutStore = {
  /** Keeps a layout and says its hash. Throws DISK_FULL; the layout is then kept in memory only. */
  put(series: readonly SeriesSpec[]): string
  /** The JSON text of a layout; undefined when it is not kept. */
  get(hash: string): string | undefined
  has(hash: string): boolean
  /** Drops every layout that is not in the set. */
  keepOnly(hashes: ReadonlySet<string>): void
}

const NAME = /^([0-9a-f]{16})\.json$/

/** Opens the folder of layouts: one file each, named by its hash, written whole or not at all. */
export function openLayouts(dir: string): LayoutStore {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const onDisk = new Set<string>()
  for (const name of readdirSync(dir)) {
    const hash = NAME.exec(name)?.[1]
    if (hash === undefined) rmSync(join(dir, name), { force: true })
    else onDisk.add(hash)
  }
  const inMemory = new Map<string, string>()
  const pathOf = (hash: string): string => join(dir, `${hash}.json`)

  return {
    put(series) {
      const hash = layoutHash(series)
      if (onDisk.has(hash)) return hash
      const text = JSON.stringify({ v: 1, hash, series })
      inMemory.set(hash, text)
      try {
        writeWhole(pathOf(hash), text)
        syncDirectory(dir)
      } catch (thrown) {
        throw diskFault(pathOf(hash), thrown)
      }
      inMemory.delete(hash)
      onDisk.add(hash)
      return hash
    },
    get(hash) {
      const held = inMemory.get(hash)
      if (held !== undefined) return held
      return onDisk.has(hash) ? readFileSync(pathOf(hash), 'utf8') : undefined
    },
    has: (hash) => inMemory.has(hash) || onDisk.has(hash),
    keepOnly(hashes) {
      for (const hash of inMemory.keys()) if (!hashes.has(hash)) inMemory.delete(hash)
      for (const hash of onDisk) {
        if (hashes.has(hash)) continue
        rmSync(pathOf(hash), { force: true })
        onDisk.delete(hash)
      }
    },
  }
}

/** The name of a layout: the first 16 hexadecimal digits of SHA-256 over its text (contract/wire.ts). */
export function layoutHash(series: readonly SeriesSpec[]): string {
  return createHash('sha256').update(layoutText(series)).digest('hex').slice(0, 16)
}

/** Writes a file beside its place, makes it durable and moves it there, so that it is never seen in part. */
export function writeWhole(path: string, text: string, mode = 0o600): void {
  const beside = `${path}.new`
  const fd = openSync(beside, 'w', mode)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } catch (thrown) {
    rmSync(beside, { force: true })
    throw thrown
  } finally {
    closeSync(fd)
  }
  renameSync(beside, path)
}
