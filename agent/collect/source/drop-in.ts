import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CollectLog } from '../../log.ts'

/**
 * Reads the declarations of a folder of the data directory (DATA/FOLDER/*.json), each by `parse`, which throws an
 * Error that names every faulty field. A faulty file is left out and said once until it changes. No folder means no
 * declaration.
 */
export function readDropIns<T>(options: {
  dataDir: string | undefined
  folder: string
  parse: (value: Record<string, unknown>) => T
  log: CollectLog
  told: Map<string, string>
}): T[] {
  const { dataDir, folder, parse, log, told } = options
  if (dataDir === undefined) return []
  let files: string[]
  try {
    files = readdirSync(join(dataDir, folder)).filter((file) => file.endsWith('.json'))
  } catch {
    return []
  }
  return files.sort().flatMap((file) => {
    const path = join(dataDir, folder, file)
    try {
      const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new Error('an object is wanted')
      const parsed = parse(value as Record<string, unknown>)
      told.delete(path)
      return [parsed]
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      if (told.get(path) !== message) log.warn('a declaration is left out', { path, error: message })
      told.set(path, message)
      return []
    }
  })
}

/** Throws what is wrong with all fields at once. */
export function refuseFaults(faults: readonly (string | false)[]): void {
  const found = faults.filter((fault) => fault !== false)
  if (found.length > 0) throw new Error(found.join('; '))
}
