import type * as z from 'zod'
import { ROUTES, type RouteName } from '../../contract/http.ts'
import { NOTHING, type Answer, type openTwoClients, type Person, type Things } from './two-clients.ts'

type Site = Awaited<ReturnType<typeof openTwoClients>>

const marksOf = ({ client, device, ids }: Things): string[] => [client, device, ...Object.values(ids)]

/** The same text about what does not exist. */
export function aboutNothing(text: string, about: Things): string {
  const pairs = marksOf(about).map((mark, index) => [mark, marksOf(NOTHING)[index] ?? ''] as const)
  return pairs.reduce((rest, [mark, none]) => rest.replaceAll(mark, none), text)
}

/** What a route may be asked about these things: with each id that it could mean, and narrowed in each way it takes. */
function requestsOf(name: RouteName, { client, device, word, ids }: Things): string[] {
  const route: { path: string; query?: z.ZodObject } = ROUTES[name]
  const known: Record<string, readonly string[]> = {
    ...{ device: [device], client: [client], id: Object.values(ids), run: [ids.run_device] },
    ...{ schedule: [ids.run_device] },
    ...{ incident: [ids.incident], month: ['2023-11'], rule: ['cpu-unusual'], find: [word] },
    ...{ name: ['battery-report'], pack: ['anomaly'], slug: ['disk-full'], metric: ['cpu.used_percent'] },
    ...{ fromMs: ['0'], toMs: ['9999999999999'], all: ['true'], format: ['json'], kind: ['terminal'] },
  }
  const say = (key: string): readonly string[] => {
    const values = known[key]
    if (values === undefined) throw new Error(`say in this test what ${key} of ${name} may be`)
    return values
  }
  let paths = [route.path]
  for (const [key] of route.path.matchAll(/:\w+/g))
    paths = paths.flatMap((path) => say(key.slice(1)).map((value) => path.replace(key, value)))
  const shape = Object.entries(route.query?.shape ?? {}) as [string, z.ZodType][]
  const needed = shape.filter(([, type]) => !type.safeParse(undefined).success).map(([key]) => key)
  const others = shape.map(([key]) => key).filter((key) => !needed.includes(key) && key in known)
  const queryOf = (keys: readonly string[]): string =>
    keys.map((key) => `${key}=${encodeURIComponent(say(key)[0] ?? '')}`).join('&')
  return paths.flatMap((path) =>
    [[], ...others.map((key) => [key])].map((more) => `${path}?${queryOf([...needed, ...more])}`),
  )
}

/** What a person is told about these things: is anything of them in the answers, or another answer than about nothing? */
export async function told(site: Site, person: Person, name: RouteName, about: Things) {
  const out = { shows: [] as string[], differs: [] as string[], faults: [] as string[] }
  const asked = new Map<string, Promise<Answer>>()
  const ask = (path: string): Promise<Answer> => {
    const answer = asked.get(path) ?? site.ask(person, path)
    asked.set(path, answer)
    return answer
  }
  await Promise.all(
    requestsOf(name, about).map(async (path) => {
      const answer = await ask(path)
      const absent = await ask(aboutNothing(path, about))
      if (answer.status >= 500) out.faults.push(`${path}: ${answer.text}`)
      const marks = [...marksOf(about), about.word].filter((mark) => !path.includes(mark))
      if (marks.some((mark) => answer.text.includes(mark))) out.shows.push(path)
      const same =
        answer.status === absent.status &&
        timeless(aboutNothing(answer.text, about)) === timeless(absent.text)
      if (!same) out.differs.push(path)
    }),
  )
  return out
}

const timeless = (text: string): string => text.replaceAll(/"(atMs|madeAtMs|nowMs)":\d+/g, '')
