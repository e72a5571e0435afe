import { posix, win32 } from 'node:path'
import { VigiaError } from '../../../contract/errors.ts'

/** A path as the names on its way: `base` is `/`, or a drive such as `C:\`. */
export type PathParts = { base: string; parts: string[] }

/** A path inside a root of the policy: `parts` below the root; none for the root itself. */
export type Place = { root: PathParts; parts: string[] }

// "Naming Files, Paths, and Namespaces" of Microsoft: digits written high count too, and spaces before an extension do not.
const RESERVED = /^(?:con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]|conin\$|conout\$|clock\$) *(?:\.|$)/i
// The system refuses them in names, control characters too.
const NOT_IN_NAMES = /[<>:"|?*\u0000-\u001f]/

/**
 * Takes an absolute path apart without asking the file system. FILE_OUTSIDE for what is not absolute or walks (`.`,
 * `..`), and on Windows for shares, device paths, alternate streams and names that stand for devices.
 */
export function partsOf(path: string, platform: NodeJS.Platform = process.platform): PathParts {
  if (path.includes('\0')) throw outside('A name cannot contain NUL')
  const windows = platform === 'win32'
  const drive = windows ? /^[A-Za-z]:[\\/]/.exec(path)?.[0] : undefined
  if (windows ? drive === undefined : !path.startsWith('/')) throw outside('The path is not absolute')
  const parts = (windows ? path.slice(3).split(/[\\/]/) : path.split('/')).filter((part) => part !== '')
  for (const part of parts) {
    if (part === '.' || part === '..') throw outside('The path has steps (. or ..) in it')
    if (windows && (NOT_IN_NAMES.test(part) || RESERVED.test(part) || /[. ]$/.test(part)))
      throw outside('Windows has no file of this name')
  }
  return { base: windows ? `${(drive ?? 'C').slice(0, 1).toUpperCase()}:\\` : '/', parts }
}

/**
 * The folders of a policy that are of this system, which is written for all: those of others are passed over. `/` is all
 * there is: on Windows each of its drives, given by their letters.
 */
export function rootsHere(
  roots: readonly string[],
  drives: () => readonly string[],
  platform: NodeJS.Platform = process.platform,
): string[] {
  const here = roots.flatMap((root) =>
    root === '/' && platform === 'win32' ? drives().map((letter) => `${letter}:\\`) : [root],
  )
  return [...new Set(here)].filter((root) =>
    platform === 'win32' ? /^[A-Za-z]:[\\/]/.test(root) : root.startsWith('/'),
  )
}

/** Where a path lies inside the roots, by its names alone; FILE_OUTSIDE when in none. */
export function placeIn(
  roots: readonly string[],
  path: string,
  platform: NodeJS.Platform = process.platform,
): Place {
  const { base, parts } = partsOf(path, platform)
  const same = (a: string, b: string | undefined): boolean =>
    platform === 'win32' ? a.toLowerCase() === b?.toLowerCase() : a === b
  for (const text of roots) {
    const root = partsOf(text, platform)
    if (root.base === base && root.parts.every((part, index) => same(part, parts[index])))
      return { root, parts: parts.slice(root.parts.length) }
  }
  throw outside('The path is in no folder that this device allows')
}

/** The path in its plain form. */
export function pathOf({ root, parts }: Place, platform: NodeJS.Platform = process.platform): string {
  return (platform === 'win32' ? win32 : posix).join(root.base, ...root.parts, ...parts)
}

export function outside(message: string): VigiaError {
  return new VigiaError('FILE_OUTSIDE', message)
}
