import * as z from 'zod'
import { COVERAGE_STATES } from '../coverage.ts'
import { ClientId, DeviceId, RecordId, UnitName } from '../ids.ts'
import {
  BacktestRequest,
  BacktestView,
  CoverageCounts,
  CoverageView,
  PACK_ORIGINS,
  PackFaults,
  PackText,
  PackVersion,
  PackView,
  RuleChange,
  RuleExplanation,
  RuleView,
} from '../rule-views.ts'
import { ErrorAnswer } from '../views.ts'

const byPack = z.object({ pack: UnitName })
const byId = z.object({ id: RecordId })
const packs = z.array(PackText).max(50)

/** The routes about rules, as part of ROUTES. */
export const RULE_ROUTES = {
  rules: {
    method: 'GET',
    path: '/api/rules',
    access: 'person',
    answer: z.object({
      /** Names the whole set. */
      version: z.string(),
      loadedAtMs: z.number(),
      /** What is wrong with packs that were changed since and not applied. */
      faults: PackFaults.nullable(),
      rules: z.array(RuleView),
    }),
    summary: 'The rules in force, and on how many devices each is evaluated',
  },
  ruleCoverage: {
    method: 'GET',
    path: '/api/rules/coverage',
    access: 'person',
    query: z.object({
      rule: UnitName.optional(),
      device: DeviceId.optional(),
      client: ClientId.optional(),
      state: z.enum(COVERAGE_STATES).optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(200),
      offset: z.coerce.number().int().min(0).max(100_000_000).default(0),
    }),
    answer: z.object({
      /** Rows that the filters leave, before paging; `counts` of the same without the filter by state. */
      total: z.number().int(),
      counts: CoverageCounts,
      atMs: z.number(),
      rows: z.array(CoverageView),
    }),
    summary: 'For every rule and device: is it being evaluated right now, and if not, why',
  },
  ruleExplain: {
    method: 'GET',
    path: '/api/rules/explain',
    access: 'person',
    query: z.object({ device: DeviceId, rule: UnitName.optional() }),
    answer: z.object({
      device: z.object({
        id: DeviceId,
        client: ClientId,
        hostname: z.string(),
        os: z.string(),
        site: z.string(),
        tags: z.array(z.string()),
      }),
      rules: z.array(RuleExplanation),
    }),
    summary: 'Why a rule applies to a device, with these figures, and where each stands',
  },
  ruleSchema: {
    method: 'GET',
    path: '/api/rules/schema',
    access: 'person',
    answer: z.record(z.string(), z.unknown()),
    summary: 'JSON Schema of rule packs, for editors',
  },
  rulePacks: {
    method: 'GET',
    path: '/api/rules/packs',
    access: 'person',
    answer: z.object({ packs: z.array(PackView), faults: PackFaults.nullable() }),
    summary: 'The packs in force and where they come from',
  },
  rulePack: {
    method: 'GET',
    path: '/api/rules/packs/:pack',
    access: 'person',
    params: byPack,
    answer: z.object({ name: UnitName, file: z.string(), origin: z.enum(PACK_ORIGINS), text: z.string() }),
    summary: 'The text of a pack',
  },
  rulePackHistory: {
    method: 'GET',
    path: '/api/rules/packs/:pack/history',
    access: 'person',
    params: byPack,
    answer: z.object({ versions: z.array(PackVersion) }),
    summary: 'Every text that a pack of this installation had, newest first',
  },
  checkRules: {
    method: 'POST',
    path: '/api/rules/check',
    access: 'person',
    touches: 'none',
    body: z.object({ packs: packs.min(1) }),
    answer: z.object({ faults: ErrorAnswer.shape.faults, changes: z.array(RuleChange) }),
    summary: 'Check packs with those in force; nothing is applied',
  },
  applyRules: {
    method: 'POST',
    path: '/api/rules/apply',
    access: 'owner',
    touches: 'everyone',
    body: z
      .object({
        packs: packs.default([]),
        /** Packs of DATA/rules to take away. */
        remove: z.array(UnitName).max(50).default([]),
        note: z.string().max(300).default(''),
      })
      .refine((body) => body.packs.length + body.remove.length > 0, 'no pack to save and none to remove'),
    answer: z.object({ version: z.string(), changes: z.array(RuleChange) }),
    summary: 'Save packs into DATA/rules and put them in force, all or nothing',
  },
  reloadRules: {
    method: 'POST',
    path: '/api/rules/reload',
    access: 'owner',
    touches: 'everyone',
    answer: z.object({ version: z.string(), changes: z.array(RuleChange) }),
    summary: 'Read all packs again and put them in force, all or nothing',
  },
  backtests: {
    method: 'GET',
    path: '/api/rules/backtests',
    access: 'person',
    answer: z.object({ backtests: z.array(BacktestView) }),
    summary: 'Backtests since the server started, newest first',
  },
  startBacktest: {
    method: 'POST',
    path: '/api/rules/backtests',
    access: 'person',
    touches: 'none',
    body: BacktestRequest,
    answer: BacktestView,
    summary: 'Try rules on the history of this installation; one runs at a time',
  },
  backtest: {
    method: 'GET',
    path: '/api/rules/backtests/:id',
    access: 'person',
    params: byId,
    answer: BacktestView,
    summary: 'One backtest: how far it is, and what it found',
  },
  cancelBacktest: {
    method: 'POST',
    path: '/api/rules/backtests/:id/cancel',
    access: 'person',
    touches: 'none',
    params: byId,
    answer: BacktestView,
    summary: 'Stop a backtest',
  },
} as const
