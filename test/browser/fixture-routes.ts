import type { RouteName } from '../../contract/http.ts'
import type { Silence } from '../../contract/noise.ts'
import { buildSchemas } from '../../rules/schema/build.ts'
import { uuid } from './fixture-data.ts'
import * as noise from './fixture-noise.ts'
import { checkTexts, packSet } from './fixture-packs.ts'
import * as rules from './fixture-rules.ts'

/** What rule and noise pages have changed since the server started. */
export type Changed = { own: Map<string, string>; silences: Silence[]; asked: number; tried: string[] }

/** Nothing changed yet: one pack of the installation. */
export function unchanged(nowMs: number): Changed {
  return { own: new Map([['acme', rules.OWN_PACK]]), silences: noise.silences(nowMs), asked: 0, tried: [] }
}

type Call = {
  params: Record<string, string>
  query: URLSearchParams
  body: unknown
  context: { nowMs: number; devices: number; changed: Changed }
}
type Texts = { packs: { name: string; text: string }[]; remove?: string[] }

/** Answers of the routes about rules, packs and noise; of views, articles and jobs of people there are none. */
export const MORE_HANDLERS: Partial<Record<RouteName, (call: Call) => unknown>> = {
  rules: ({ context }) => rules.rules(context.nowMs, context.changed.own),
  ruleCoverage: ({ context, query }) => rules.coverage(query, context.nowMs, context.devices),
  ruleExplain: ({ context, query }) =>
    rules.explain(query.get('device') ?? '', context.nowMs, {
      devices: context.devices,
      own: context.changed.own,
    }),
  ruleSchema: () => JSON.parse(buildSchemas()['pack.schema.json'] ?? '{}') as unknown,
  rulePacks: ({ context }) => rules.packs(context.changed.own),
  rulePack: ({ context, params }) => {
    const pack = packSet(context.changed.own).packs.find(({ name }) => name === params['pack'])
    return pack && { name: pack.name, file: pack.file, origin: pack.origin, text: pack.text }
  },
  rulePackHistory: ({ context, params }) => ({
    versions: rules.history(params['pack'] ?? '', context.nowMs, context.changed.own),
  }),
  checkRules: ({ context, body }) => checkTexts(context.changed.own, (body as Texts).packs),
  applyRules: ({ context, body }) => {
    const { packs = [], remove = [] } = body as Texts
    const { changes } = checkTexts(context.changed.own, packs)
    for (const { name, text } of packs) context.changed.own.set(name, text)
    for (const name of remove) context.changed.own.delete(name)
    return { version: packSet(context.changed.own).version, changes }
  },
  startBacktest: ({ context, body }) => {
    context.changed.asked = 0
    context.changed.tried = (body as Texts).packs.map(({ name }) => name)
    return rules.backtest(0, context.nowMs, context.changed.tried)
  },
  backtest: ({ context: { changed, nowMs } }) => rules.backtest(++changed.asked, nowMs, changed.tried),
  silences: ({ context }) => ({ silences: context.changed.silences }),
  addSilence: ({ context, body }) => {
    const silence = {
      ...(body as Silence),
      id: uuid(810 + context.changed.silences.length),
      createdBy: 'ana',
    }
    context.changed.silences = [silence, ...context.changed.silences]
    return silence
  },
  endSilence: ({ context, params }) => {
    const silence = context.changed.silences.find(({ id }) => id === params['id'])
    context.changed.silences = context.changed.silences.filter((one) => one !== silence)
    return silence
  },
  views: () => ({ views: [] }),
  articles: () => ({ articles: [] }),
  jobs: () => ({ jobs: [] }),
  noise: () => noise.findings(),
  suppressions: ({ context, query }) => noise.suppressions(context.nowMs, query),
  hours: ({ context, params }) => noise.hours(params['client'] ?? '', context.nowMs),
  setHours: ({ context, params, body }) => ({
    ...noise.hours(params['client'] ?? '', context.nowMs),
    calendar: body,
  }),
  maintenance: ({ context, query }) => noise.maintenance(query.get('client') ?? '', context.nowMs),
  maintenanceSchedules: ({ context, query }) => noise.schedules(query.get('client') ?? '', context.nowMs),
}
