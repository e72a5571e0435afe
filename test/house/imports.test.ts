import { describe, expect, it } from 'vitest'
import { readSources, type Source } from '../support/sources.ts'

/** Which top folders a top folder may import from, itself apart (DESIGN: contract ← agent, dashboard; contract ← rules ← server ← cli). */
const MAY_IMPORT: Record<string, readonly string[]> = {
  contract: [],
  agent: ['contract'],
  dashboard: ['contract'],
  rules: ['contract'],
  server: ['contract', 'rules'],
  cli: ['contract', 'rules', 'server', 'agent'],
}

/** Folders of the server that every stage may use; all other stages know each other only through contract values. */
const SHARED_IN_SERVER = ['records', 'observe']
/** Files that wire the stages. */
const WIRING = /^server\/((routes|wiring)\/)?[^/]+\.ts$/
/** The HTTP side hears the live feeds that notify/ carries. */
const ALLOWED_PAIRS = new Set(['http → notify'])

const sources = readSources(Object.keys(MAY_IMPORT))

describe('imports', () => {
  it('read the modules of every folder', () => {
    expect(sources.length).toBeGreaterThan(150)
    for (const folder of Object.keys(MAY_IMPORT))
      expect(sources.filter((source) => source.path.startsWith(`${folder}/`)).length, folder).toBeGreaterThan(
        4,
      )
    expect(sources.reduce((sum, source) => sum + source.imports.length, 0)).toBeGreaterThan(400)
  })

  it('run one way between the top folders', () => {
    const wrong = sources.flatMap((source) => {
      const from = top(source.path)
      return source.imports
        .filter(({ to }) => top(to) !== from && !MAY_IMPORT[from]!.includes(top(to)))
        .map(({ to }) => `${source.path} → ${to}`)
    })
    expect(wrong).toEqual([])
  })

  it('do not join the stages of the server', () => {
    const wrong = sources
      .filter((source) => source.path.startsWith('server/') && !WIRING.test(source.path))
      .flatMap((source) => {
        const from = source.path.split('/')[1]!
        return source.imports
          .filter(({ to }) => to.startsWith('server/'))
          .filter(({ to }) => {
            const stage = to.split('/')[1]!
            return (
              stage !== from && !SHARED_IN_SERVER.includes(stage) && !ALLOWED_PAIRS.has(`${from} → ${stage}`)
            )
          })
          .map(({ to }) => `${source.path} → ${to}`)
      })
    expect(wrong).toEqual([])
  })

  it('make no circle, not even of types', () => {
    expect(findCircle(sources)).toBeUndefined()
  })

  it('find a circle where there is one', () => {
    const two: Source[] = [
      { path: 'a.ts', text: '', imports: [{ to: 'b.ts', typeOnly: false }] },
      { path: 'b.ts', text: '', imports: [{ to: 'a.ts', typeOnly: false }] },
    ]
    expect(findCircle(two)).toEqual(['a.ts', 'b.ts', 'a.ts'])
  })
})

function top(path: string): string {
  return path.split('/')[0]!
}

function findCircle(all: readonly Source[]): string[] | undefined {
  const byPath = new Map(all.map((source) => [source.path, source]))
  const done = new Set<string>()
  const visit = (path: string, trail: string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const { to } of byPath.get(path)?.imports ?? []) {
      const circle = visit(to, [...trail, path])
      if (circle) return circle
    }
    done.add(path)
    return undefined
  }
  for (const source of all) {
    const circle = visit(source.path, [])
    if (circle) return circle
  }
  return undefined
}
