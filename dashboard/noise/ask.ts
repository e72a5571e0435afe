import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { Suppressor } from '../../contract/noise.ts'
import { call } from '../api.ts'

/** No live event tells of what is suppressed. */
const LOG_MS = 15_000

/** What the noise page asks for. */
export const askNoise = {
  silences: (filter: { client?: string; all: boolean }) =>
    queryOptions({
      queryKey: ['silences', filter],
      queryFn: ({ signal }) =>
        call(
          'silences',
          {
            query: {
              ...(filter.client ? { client: filter.client } : {}),
              all: filter.all ? 'true' : 'false',
            },
          },
          signal,
        ),
      select: (answer) => answer.silences,
      refetchInterval: LOG_MS,
    }),
  findings: (client?: string) =>
    queryOptions({
      queryKey: ['noise', client ?? null],
      queryFn: ({ signal }) => call('noise', { query: client ? { client } : {} }, signal),
      select: (answer) => answer.findings,
    }),
  suppressions: (filter: {
    client?: string
    device?: string
    rule?: string
    by?: Suppressor
    active: boolean
  }) =>
    queryOptions({
      queryKey: ['suppressions', filter],
      queryFn: ({ signal }) =>
        call(
          'suppressions',
          { query: { ...filter, limit: 300, active: filter.active ? 'true' : 'false' } },
          signal,
        ),
      select: (answer) => answer.suppressions,
      placeholderData: keepPreviousData,
      refetchInterval: LOG_MS,
    }),
  hours: (client: string) =>
    queryOptions({
      queryKey: ['hours', client],
      queryFn: ({ signal }) => call('hours', { params: { client } }, signal),
    }),
  windows: (client: string) =>
    queryOptions({
      queryKey: ['maintenance', client],
      queryFn: ({ signal }) => call('maintenance', { query: { client } }, signal),
      select: (answer) => answer.windows,
      refetchInterval: LOG_MS,
    }),
  schedules: (client: string) =>
    queryOptions({
      queryKey: ['maintenance-schedules', client],
      queryFn: ({ signal }) => call('maintenanceSchedules', { query: { client } }, signal),
      select: (answer) => answer.schedules,
    }),
}
