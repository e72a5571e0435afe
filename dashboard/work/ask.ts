import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { RunRequest, RunState } from '../../contract/run.ts'
import { call } from '../api.ts'

/** What the pages of scripts, runs and jobs ask for. */
export const askWork = {
  scripts: () =>
    queryOptions({
      queryKey: ['scripts'],
      queryFn: ({ signal }) => call('scripts', {}, signal),
      select: (answer) => answer.scripts,
    }),
  script: (name: string) =>
    queryOptions({
      queryKey: ['script', name],
      queryFn: ({ signal }) => call('script', { params: { name } }, signal),
    }),
  job: (id: string) =>
    queryOptions({ queryKey: ['job', id], queryFn: ({ signal }) => call('job', { params: { id } }, signal) }),
  jobs: (filter: { device?: string; run?: string; ticket?: string; find?: string }) =>
    queryOptions({
      queryKey: ['jobs', filter],
      queryFn: ({ signal }) => call('jobs', { query: { ...filter, limit: 200 } }, signal),
      select: (answer) => answer.jobs,
      placeholderData: keepPreviousData,
    }),
  plan: (request: RunRequest) =>
    queryOptions({
      queryKey: ['plan', request],
      queryFn: ({ signal }) => call('planRun', { body: request }, signal),
      placeholderData: keepPreviousData,
      retry: false,
      staleTime: 10_000,
    }),
  runs: (filter: { state?: RunState; schedule?: string; limit?: number } = {}) =>
    queryOptions({
      queryKey: ['runs', filter],
      queryFn: ({ signal }) => call('runs', { query: { limit: 200, ...filter } }, signal),
      select: (answer) => answer.runs,
    }),
  run: (id: string) =>
    queryOptions({ queryKey: ['run', id], queryFn: ({ signal }) => call('run', { params: { id } }, signal) }),
  results: (id: string) =>
    queryOptions({
      queryKey: ['run', id, 'results'],
      queryFn: ({ signal }) => call('runResults', { params: { id } }, signal),
      select: (answer) => answer.results,
    }),
  views: () =>
    queryOptions({
      queryKey: ['views'],
      queryFn: ({ signal }) => call('views', {}, signal),
      select: (answer) => answer.views,
    }),
  viewDevices: (id: string) =>
    queryOptions({
      queryKey: ['views', id],
      queryFn: ({ signal }) => call('viewDevices', { params: { id } }, signal),
      select: (answer) => answer.devices,
    }),
  secrets: () =>
    queryOptions({
      queryKey: ['secrets'],
      queryFn: ({ signal }) => call('secrets', {}, signal),
      select: (answer) => answer.secrets,
    }),
  articles: (filter: { rule?: string; find?: string }) =>
    queryOptions({
      queryKey: ['articles', filter],
      queryFn: ({ signal }) => call('articles', { query: filter }, signal),
      select: (answer) => answer.articles,
      placeholderData: keepPreviousData,
    }),
  article: (slug: string) =>
    queryOptions({
      queryKey: ['articles', slug],
      queryFn: ({ signal }) => call('article', { params: { slug } }, signal),
    }),
}
