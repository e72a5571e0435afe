import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ServerApi } from '../../../cli/server-api.ts'
import { findScript, nearNames } from '../../../cli/work/find-script.ts'
import { VigiaError } from '../../../contract/errors.ts'

const DIGEST = '2fbeeee08e4d57cc850ab5ebe70ab6fffdb7ef9cca336ee7801214c81312ab6c'
const NAMES = ['clear-temp', 'clear-temp-windows', 'clear-print-queue', 'restart-service', 'top-processes']

/** A server that has these scripts; it is asked for one by name or whole digest. */
const server = {
  call: async (route: string, given: { params: { name: string } }) => {
    const scripts = NAMES.map((name) => ({
      content: { name },
      digest: name === 'clear-temp' ? DIGEST : name,
    }))
    if (route === 'scripts') return { scripts }
    const script = scripts.find(({ content, digest }) => [content.name, digest].includes(given.params.name))
    if (!script) throw new VigiaError('NOT_FOUND', `no script ${given.params.name}`)
    return { script, versions: [] }
  },
} as unknown as ServerApi

const nameOf = async (given: string): Promise<string> => (await findScript(server, given)).script.content.name
const refusal = (given: string): Promise<string> =>
  nameOf(given).then(
    () => 'found',
    (thrown: unknown) =>
      thrown instanceof VigiaError ? `${thrown.code}: ${thrown.message}` : String(thrown),
  )

it('finds a script by its name, its digest and the first digits of that', async () => {
  for (const given of ['clear-temp', DIGEST, DIGEST.slice(0, 12)])
    expect(await nameOf(given)).toBe('clear-temp')
})

it('says which names are near one that is mistyped, and where all are', async () => {
  expect(await refusal('cler-temp')).toBe(
    'NOT_FOUND: There is no script "cler-temp"; near it are clear-temp, clear-temp-windows. "vigia scripts list" lists them.',
  )
  expect(await refusal('processes')).toContain('near it is top-processes.')
  expect(await refusal('xyzzy')).toBe(
    'NOT_FOUND: There is no script "xyzzy". "vigia scripts list" lists them.',
  )
})

it('says what a file needs before it can run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-find-script-'))
  try {
    const file = join(folder, 'mend.sh')
    writeFileSync(file, 'echo mended\n')
    expect(await refusal(file)).toBe(
      `USAGE: ${JSON.stringify(file)} is a file. What runs is approved first: "vigia approve ${file}".`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('a name with one letter more, less or another is near, and comes before those that are further away', () => {
  const name = fc.stringMatching(/^[a-z]{4,12}-[a-z]{4,12}$/)
  fc.assert(
    fc.property(name, fc.nat(), fc.constantFrom('', 'x', 'qq'), (wanted, at, put) => {
      const from = at % wanted.length
      const typed = wanted.slice(0, from) + put + wanted.slice(from + 1)
      expect(nearNames(typed, ['zz', wanted, `${wanted}-and-much-more-of-it`])[0]).toBe(wanted)
    }),
  )
})
