import { queryOptions } from '@tanstack/react-query'
import type { RemoteKind } from '../../contract/remote/policy.ts'
import { VigiaError } from '../../contract/errors.ts'
import { call } from '../api.ts'
import { parseCast, type Cast } from './terminal/cast.ts'

/** What the pages about past sessions ask for. */
export const askRemote = {
  sessions: (filter: { device?: string; kind?: RemoteKind }) =>
    queryOptions({
      queryKey: ['remotes', filter],
      queryFn: ({ signal }) => call('remotes', { query: { ...filter, limit: 300 } }, signal),
      select: ({ sessions }) => sessions,
    }),
  session: (id: string) =>
    queryOptions({
      queryKey: ['remote', id],
      queryFn: ({ signal }) => call('remote', { params: { id } }, signal),
    }),
  recording: (id: string) =>
    queryOptions({
      queryKey: ['recording', id],
      queryFn: ({ signal }) => recording(id, signal),
      staleTime: Infinity,
    }),
}

async function recording(id: string, signal: AbortSignal): Promise<Cast> {
  const response = await fetch(`/api/remote/${encodeURIComponent(id)}/recording`, {
    credentials: 'same-origin',
    signal,
  })
  if (response.status === 404) throw new VigiaError('NOT_FOUND', 'The recording is not kept any more.')
  if (response.status === 403)
    throw new VigiaError('FORBIDDEN', 'A recording takes the role technician, for this client.')
  if (!response.ok) throw new VigiaError('SERVER_AWAY', `The server answered ${response.status}.`)
  return parseCast(await response.text())
}
