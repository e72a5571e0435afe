import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { CoverageState } from '../../contract/coverage.ts'
import { call } from '../api.ts'

/** Coverage moves with the samples; no live event tells of it. */
const COVERAGE_MS = 15_000

/** What the pages about rules and packs ask for. */
export const askRules = {
  rules: () =>
    queryOptions({
      queryKey: ['rules'],
      queryFn: ({ signal }) => call('rules', {}, signal),
      refetchInterval: COVERAGE_MS,
    }),
  coverage: (filter: { rule?: string; device?: string; state?: CoverageState; limit?: number }) =>
    queryOptions({
      queryKey: ['rule-coverage', filter],
      queryFn: ({ signal }) => call('ruleCoverage', { query: filter }, signal),
      placeholderData: keepPreviousData,
      refetchInterval: COVERAGE_MS,
    }),
  explain: (device: string, rule?: string) =>
    queryOptions({
      queryKey: ['rule-explain', device, rule ?? null],
      queryFn: ({ signal }) => call('ruleExplain', { query: { device, ...(rule ? { rule } : {}) } }, signal),
      refetchInterval: COVERAGE_MS,
    }),
  packs: () =>
    queryOptions({ queryKey: ['rule-packs'], queryFn: ({ signal }) => call('rulePacks', {}, signal) }),
  pack: (pack: string) =>
    queryOptions({
      queryKey: ['rule-pack', pack],
      queryFn: ({ signal }) => call('rulePack', { params: { pack } }, signal),
      // What is being edited is not to change underneath.
      staleTime: Infinity,
    }),
  history: (pack: string) =>
    queryOptions({
      queryKey: ['rule-pack-history', pack],
      queryFn: ({ signal }) => call('rulePackHistory', { params: { pack } }, signal),
      select: (answer) => answer.versions,
    }),
  schema: () =>
    queryOptions({
      queryKey: ['rule-schema'],
      queryFn: ({ signal }) => call('ruleSchema', {}, signal),
      staleTime: Infinity,
    }),
  backtest: (id: string) =>
    queryOptions({
      queryKey: ['backtest', id],
      queryFn: ({ signal }) => call('backtest', { params: { id } }, signal),
      refetchInterval: (query) => (query.state.data?.state === 'running' ? 700 : false),
    }),
}
