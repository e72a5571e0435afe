import { queryOptions, type QueryClient } from '@tanstack/react-query'
import { call } from '../api.ts'

/** What one has set up as a second factor; no live event tells of it. */
export const askFactors = () =>
  queryOptions({
    queryKey: ['second-factors'],
    queryFn: ({ signal }) => call('secondFactors', {}, signal),
    staleTime: 0,
  })

/** Who may sign in, and who was removed; no live event tells of it. */
export const askPeople = () =>
  queryOptions({
    queryKey: ['people'],
    queryFn: ({ signal }) => call('people', {}, signal),
    staleTime: 0,
  })

/** The second factor was set, changed or shown. */
export async function factorChanged(queries: QueryClient): Promise<void> {
  await Promise.all(['me', 'second-factors'].map((key) => queries.invalidateQueries({ queryKey: [key] })))
}
