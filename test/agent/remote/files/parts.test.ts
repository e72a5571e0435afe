import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forgetPart, notePart, sweepParts } from '../../../../agent/remote/files/parts.ts'

const DAY_MS = 86_400_000
const NAME = `.vigia-${'0a'.repeat(16)}.part`

describe('what is left of uploads', () => {
  let folder: string
  let notes: string
  let uploads: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-parts-'))
    notes = join(folder, 'agent', 'remote-parts')
    uploads = join(folder, 'uploads')
    mkdirSync(join(folder, 'agent'))
    mkdirSync(uploads)
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const now = Date.now()
  const sweep = (afterDays = 0): Promise<string[]> => sweepParts(notes, now + afterDays * DAY_MS)
  /** A part file that was written to so many days ago. */
  const part = (days: number, name = NAME): string => {
    const path = join(uploads, name)
    writeFileSync(path, 'the first half', { mode: 0o600 })
    const seconds = (now - days * DAY_MS) / 1000
    utimesSync(path, seconds, seconds)
    return path
  }
  const noted = async (path: string): Promise<string> => {
    await notePart(notes, path)
    return path
  }

  it('goes when it was not written to for a week, with its note, and not before', async () => {
    const path = await noted(part(6.9))
    expect(await sweep()).toEqual([])
    expect(existsSync(path)).toBe(true)
    expect(await sweep(0.2)).toEqual([path])
    expect(existsSync(path)).toBe(false)
    expect(readdirSync(notes)).toEqual([])
  })

  it('stays where this agent did not note it, whatever it is called', async () => {
    const noneOfOurs = part(100, `.vigia-${'0b'.repeat(16)}.part`)
    const other = await noted(part(100, 'letter.txt'))
    await noted(part(100))
    expect(await sweep()).toEqual([join(uploads, NAME)])
    expect([existsSync(noneOfOurs), existsSync(other)]).toEqual([true, true])
    expect(readdirSync(notes)).toEqual([])
  })

  it('stays when something else has its name by now: a link, a file with two names, one that others may read', async () => {
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'kept', { mode: 0o600 })
    for (const make of [
      () => symlinkSync(secret, join(uploads, NAME)),
      () => linkSync(secret, join(uploads, NAME)),
      () => chmodSync(part(100), 0o644),
      () => mkdirSync(join(uploads, NAME)),
    ]) {
      make()
      await noted(join(uploads, NAME))
      expect(await sweep(100)).toEqual([])
      expect(existsSync(join(uploads, NAME))).toBe(true)
      rmSync(join(uploads, NAME), { recursive: true })
    }
    expect(existsSync(secret)).toBe(true)
  })

  it('is followed through no link, and is found again when its folder is back', async () => {
    const path = await noted(part(100))
    const elsewhere = join(folder, 'elsewhere')
    renameSync(uploads, elsewhere)
    expect(await sweep()).toEqual([])
    symlinkSync(elsewhere, uploads)
    expect(await sweep()).toEqual([])
    expect(existsSync(path)).toBe(true)
    rmSync(uploads)
    renameSync(elsewhere, uploads)
    expect(await sweep()).toEqual([path])
  })

  it('is looked for no longer than a season where its folder never comes back', async () => {
    await noted(part(100))
    rmSync(uploads, { recursive: true })
    await sweep(89)
    expect(readdirSync(notes)).toHaveLength(1)
    await sweep(91)
    expect(readdirSync(notes)).toEqual([])
  })

  it('is forgotten once it has its name', async () => {
    const path = await noted(part(100))
    await forgetPart(notes, path)
    await forgetPart(notes, path)
    expect(await sweep()).toEqual([])
    expect(existsSync(path)).toBe(true)
  })
})
