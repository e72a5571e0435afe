import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import type { Fault } from '../../contract/errors.ts'
import { PACK_ORIGINS, type PackOrigin } from '../../contract/rule-views.ts'
import { type PackSource, rulesInvalid } from '../../rules/language/parse.ts'

/** A pack's text, the file that holds it, and where that comes from. */
export type PackFile = PackSource & { origin: PackOrigin }

/** Where packs are read from: files that ship, files of the configuration, and every pack of a folder. */
export type PackPlaces = {
  shipped: readonly string[]
  configured: readonly string[]
  directory: string | null
}

/** Reads every pack there is. RULES_INVALID names each file that cannot be read; a missing folder holds none. */
export function readPackFiles(places: PackPlaces): PackFile[] {
  const faults: Fault[] = []
  const read = (origin: PackOrigin) => (file: string) => {
    try {
      return [{ file, origin, text: readFileSync(file, 'utf8') }]
    } catch (error) {
      faults.push({
        file,
        message: `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      })
      return []
    }
  }
  const files = [
    ...places.shipped.flatMap(read('shipped')),
    ...places.configured.flatMap(read('configured')),
    ...(places.directory === null ? [] : packsOf(places.directory)).flatMap(read('data')),
  ]
  if (faults.length > 0) throw rulesInvalid(faults)
  return files
}

/** The packs of a folder in the order of their names; tests of packs and hidden files are none. */
function packsOf(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^[^.].*\.ya?ml$/.test(name) && !/\.test\.ya?ml$/.test(name))
      .toSorted()
      .map((name) => join(directory, name))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** Puts texts into files, each whole or not at all: all are on disk under another name before the first takes its place. */
export function writeFiles(files: readonly { file: string; text: string }[], directory: string): void {
  mkdirSync(directory, { recursive: true })
  const fresh = files.map(({ file, text }) => ({ file, made: writeNew(`${file}.new`, text) }))
  for (const { file, made } of fresh) renameSync(made, file)
}

/** Takes files away; one that is gone already is no fault. */
export function removeFiles(files: readonly string[]): void {
  for (const file of files) rmSync(file, { force: true })
}

function writeNew(path: string, text: string): string {
  const file = openSync(path, 'w', 0o600)
  try {
    const bytes = Buffer.from(text)
    for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return path
}

const Applied = z.object({
  packs: z.array(z.object({ file: z.string(), origin: z.enum(PACK_ORIGINS), text: z.string() })),
})

/** The packs of this installation as they were in force last; undefined when none ever were, or the file is damaged. */
export function readApplied(path: string): PackFile[] | undefined {
  try {
    return Applied.parse(JSON.parse(readFileSync(path, 'utf8'))).packs
  } catch (error) {
    const gone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (gone || error instanceof SyntaxError || error instanceof z.ZodError) return undefined
    throw error
  }
}

/** Keeps the packs of this installation (those that ship are not kept), so that a start finds a set that was good. */
export function writeApplied(path: string, files: readonly PackFile[]): void {
  const own = files.filter(({ origin }) => origin !== 'shipped')
  renameSync(writeNew(`${path}.new`, JSON.stringify({ packs: own })), path)
}
