import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { IncidentState, TicketState } from '../contract/incident.ts'
import { call } from './api.ts'

/** How many devices the fleet page asks for at most; the contract allows no more. */
export const FLEET_LIMIT = 10_000
const LIST_LIMIT = 1000

/** What each page asks for. The first word of a key is what a live event names (see live.ts). */
export const ask = {
  me: () =>
    queryOptions({ queryKey: ['me'], queryFn: ({ signal }) => call('me', {}, signal), staleTime: Infinity }),
  setupState: () =>
    queryOptions({
      queryKey: ['setup'],
      queryFn: ({ signal }) => call('setupState', {}, signal),
      staleTime: 0,
    }),
  health: () => queryOptions({ queryKey: ['health'], queryFn: ({ signal }) => call('health', {}, signal) }),
  hostile: () =>
    queryOptions({
      queryKey: ['hostile'],
      queryFn: ({ signal }) => call('hostile', { query: { limit: 50 } }, signal),
    }),
  clients: () =>
    queryOptions({ queryKey: ['clients'], queryFn: ({ signal }) => call('clients', {}, signal) }),
  devices: () =>
    queryOptions({
      queryKey: ['devices'],
      queryFn: ({ signal }) => call('devices', { query: { limit: FLEET_LIMIT } }, signal),
      select: (answer) => answer.devices,
    }),
  device: (device: string) =>
    queryOptions({
      queryKey: ['device', device],
      queryFn: ({ signal }) => call('device', { params: { device } }, signal),
    }),
  facts: (device: string) =>
    queryOptions({
      queryKey: ['facts', device],
      queryFn: ({ signal }) => call('deviceFacts', { params: { device } }, signal),
      select: (answer) => answer.facts,
      staleTime: 60_000,
    }),
  series: (device: string, metric: string, rangeMs: number) =>
    queryOptions({
      queryKey: ['series', device, metric, rangeMs],
      queryFn: async ({ signal }) => {
        const toMs = Date.now()
        const fromMs = toMs - rangeMs
        const query = { metric, fromMs, toMs, points: 400 }
        const { series } = await call('deviceSeries', { params: { device }, query }, signal)
        return { fromMs, toMs, series }
      },
      placeholderData: keepPreviousData,
    }),
  incidents: (filter: { state?: IncidentState; client?: string; device?: string } = {}) =>
    queryOptions({
      queryKey: ['incidents', filter],
      queryFn: ({ signal }) => call('incidents', { query: { ...filter, limit: LIST_LIMIT } }, signal),
      select: (answer) => answer.incidents,
    }),
  incident: (id: string) =>
    queryOptions({
      queryKey: ['incident', id],
      queryFn: ({ signal }) => call('incident', { params: { id } }, signal),
    }),
  tickets: (filter: { state?: TicketState } = {}) =>
    queryOptions({
      queryKey: ['tickets', filter],
      queryFn: ({ signal }) => call('tickets', { query: { ...filter, limit: LIST_LIMIT } }, signal),
      select: (answer) => answer.tickets,
    }),
  ticket: (id: string) =>
    queryOptions({
      queryKey: ['ticket', id],
      queryFn: ({ signal }) => call('ticket', { params: { id } }, signal),
    }),
  ledger: (client?: string) =>
    queryOptions({
      queryKey: ['ledger', client ?? null],
      queryFn: ({ signal }) =>
        call('ledger', { query: { limit: LIST_LIMIT, ...(client ? { client } : {}) } }, signal),
      select: (answer) => answer.entries,
    }),
}
