import { existsSync } from 'node:fs'
import { VigiaError } from '../../contract/errors.ts'
import type { ServerApi } from '../server-api.ts'

/** So many wrong letters may a name have that is meant all the same. */
const WRONG_LETTERS = 3
const NAMED = 4

/**
 * A script by its name, its digest or the first digits of that, with its versions. NOT_FOUND names those that are near;
 * USAGE says of a file that it has to be approved first.
 */
export async function findScript(server: ServerApi, given: string) {
  try {
    return await server.call('script', { params: { name: await nameOrDigest(server, given) } })
  } catch (thrown) {
    if (!(thrown instanceof VigiaError && thrown.code === 'NOT_FOUND')) throw thrown
    const said = JSON.stringify(given)
    if (existsSync(given))
      throw new VigiaError(
        'USAGE',
        `${said} is a file. What runs is approved first: "vigia approve ${given}".`,
        { cause: thrown },
      )
    const { scripts } = await server.call('scripts')
    const near = nearNames(
      given,
      scripts.map(({ content }) => content.name),
    )
    const hint = near.length === 0 ? '' : `; near it ${near.length === 1 ? 'is' : 'are'} ${near.join(', ')}`
    throw new VigiaError('NOT_FOUND', `There is no script ${said}${hint}. "vigia scripts list" lists them.`, {
      cause: thrown,
    })
  }
}

/** The whole digest for its first digits, as the list shows them; anything else as it is. */
async function nameOrDigest(server: ServerApi, text: string): Promise<string> {
  if (!/^[0-9a-f]{8,63}$/.test(text)) return text
  const { scripts } = await server.call('scripts')
  if (scripts.some(({ content }) => content.name === text)) return text
  const found = scripts.filter(({ digest }) => digest.startsWith(text))
  return found.length === 1 ? (found[0]?.digest ?? text) : text
}

/** Names that begin or end nearly as the one that is given, the nearest first. */
export function nearNames(given: string, names: readonly string[]): string[] {
  const wanted = given.toLowerCase()
  return [...new Set(names)]
    .map((name) => ({ name, wrong: wrongLetters(wanted, name), rest: Math.abs(name.length - wanted.length) }))
    .filter(({ wrong }) => wrong <= Math.min(WRONG_LETTERS, wanted.length / 3))
    .toSorted((a, b) => a.wrong - b.wrong || a.rest - b.rest)
    .slice(0, NAMED)
    .map(({ name }) => name)
}

/**
 * Letters to put in, take out or exchange until a text is the beginning or the end of a name (Levenshtein's distance,
 * where what the name has beside that is free).
 */
function wrongLetters(text: string, name: string): number {
  const reversed = (of: string): string => [...of].toReversed().join('')
  return Math.min(toBeginning(text, name), toBeginning(reversed(text), reversed(name)))
}

function toBeginning(text: string, name: string): number {
  let row = Array.from({ length: name.length + 1 }, (_, at) => at)
  for (const [index, letter] of [...text].entries()) {
    const next = [index + 1]
    for (let at = 1; at <= name.length; at++)
      next.push(
        Math.min(
          (row[at] ?? 0) + 1,
          (next[at - 1] ?? 0) + 1,
          (row[at - 1] ?? 0) + (name[at - 1] === letter ? 0 : 1),
        ),
      )
    row = next
  }
  return Math.min(...row)
}
