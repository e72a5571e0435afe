import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSources, ROOT } from '../support/sources.ts'

const FOLDERS = ['contract', 'agent', 'rules', 'server', 'cli', 'dashboard', 'test']
const sources = readSources(FOLDERS)

describe('files', () => {
  it('have a reason in their first line when they are longer than 500 lines', () => {
    const long = sources
      .filter((source) => source.text.split('\n').length > 500 && !source.text.startsWith('// Long because'))
      .map((source) => source.path)
    expect(long).toEqual([])
  })

  it('have kebab-case names and folders that are words of the domain', () => {
    const wrong = sources
      .filter((source) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|d))*\.tsx?$/.test(basename(source.path)))
      .map((source) => source.path)
    expect(wrong).toEqual([])
    expect(
      sources
        .filter((source) => /(^|\/)(utils|helpers|common|misc)\//.test(source.path))
        .map((source) => source.path),
    ).toEqual([])
    expect(
      sources.filter((source) => /(^|\/)index\.ts$/.test(source.path)).map((source) => source.path),
    ).toEqual([])
  })

  it('hold no mark of unfinished work', () => {
    const marks = sources
      .filter((source) => source.path !== 'test/house/files.test.ts')
      .flatMap((source) =>
        source.text
          .split('\n')
          .flatMap((line, index) =>
            /\b(TODO|FIXME|XXX)\b|@ts-ignore|\bas any\b|\.only\(|\bit\.skip\(|\.todo\(/.test(line)
              ? [`${source.path}:${index + 1}`]
              : [],
          ),
      )
    expect(marks).toEqual([])
  })
})

describe('units', () => {
  it.each([
    ['agent/collect', /name: '([a-z0-9-]+)'/],
    ['rules/detectors', /name: '([a-z0-9-]+)'/],
  ])('of %s are each listed in all.ts, named as their file and unique', (folder, namePattern) => {
    const list = readFileSync(join(ROOT, folder, 'all.ts'), 'utf8')
    const listed = [...list.matchAll(/from '\.\/([a-z0-9-]+)\.ts'/g)].map((match) => match[1]!)
    expect(listed.length).toBeGreaterThan(2)
    const names = listed.flatMap((file) => {
      const found = namePattern.exec(readFileSync(join(ROOT, folder, `${file}.ts`), 'utf8'))?.[1]
      return found === undefined ? [] : [[file, found]]
    })
    expect(names.length).toBeGreaterThan(2)
    for (const [file, name] of names) expect(name).toBe(file)
    expect(new Set(names.map(([, name]) => name)).size).toBe(names.length)
    const units = readdirSync(join(ROOT, folder)).filter(
      (file) => file.endsWith('.ts') && namePattern.test(readFileSync(join(ROOT, folder, file), 'utf8')),
    )
    expect(units.map((file) => file.replace('.ts', '')).sort()).toEqual(names.map(([file]) => file).sort())
  })
})
