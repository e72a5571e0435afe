import { createHash } from 'node:crypto'
import { VigiaError } from '../../contract/errors.ts'
import { fleetThreshold } from '../../contract/trust/approval.ts'
import { SESSION_COOKIE } from '../access/people.ts'
import type { Caller, Handlers } from '../http/handler.ts'
import type { SocketStages } from '../http/sockets.ts'
import { sessionOf } from '../live-state.ts'
import type { Parts } from '../wiring/parts.ts'
import type { Asker } from '../remote/request.ts'
import type { Opener } from '../remote/ports.ts'

/** Routes of remote sessions. */
export function remoteRoutes({
  remote,
  devices,
  liveState,
  trust,
  clock,
}: Pick<Parts, 'remote' | 'devices' | 'liveState' | 'trust' | 'clock'>): Pick<
  Handlers,
  'remoteOffer' | 'openRemote' | 'remotes' | 'remote' | 'closeRemote' | 'remoteRecording'
> {
  return {
    async remoteOffer({ params }) {
      const device = await devices.get(params.device)
      const hello = sessionOf(liveState.of(params.device))
      const able = hello?.abilities?.includes('remote') === true
      return {
        client: device.client,
        hostname: device.hostname,
        online: hello !== undefined,
        challenge: able ? hello.challenge : null,
        clock: hello?.clock ?? null,
        technicians: trust.root.technicians.keys,
        approvers: fleetThreshold(trust.root),
        nowMs: clock(),
      }
    },
    openRemote: ({ body, who, cookies }) => remote.open(body, openerOf(who, cookies)),
    remotes: async ({ query }) => ({ sessions: await remote.list(query) }),
    remote: ({ params }) => remote.get(params.id),
    closeRemote: ({ params, who }) => remote.close(params.id, askerOf(who)),
    async remoteRecording({ params, who, reply }) {
      const asker = askerOf(who)
      if (asker.role === 'viewer')
        throw new VigiaError('FORBIDDEN', 'a recording takes the role technician: it may show secrets')
      const stream = await remote.recording(params.id, asker)
      return reply.type('application/x-asciicast').send(stream)
    },
  }
}

/** Hands the sockets of technicians to their sessions. */
export function remoteSockets(remote: () => Parts['remote']): SocketStages {
  return {
    remote(socket, { id, after, caller, cookies }) {
      remote().attach(id, openerOf(caller, cookies).login, after, socket)
    },
  }
}

function askerOf(who: Caller): Asker {
  if (who === undefined) throw new VigiaError('UNAUTHENTICATED', 'Nobody is signed in.')
  return { name: who.name, role: who.role, clients: who.clients ?? null }
}

/** A session belongs to the login in which it was opened. */
function openerOf(who: Caller, cookies: Readonly<Record<string, string | undefined>>): Opener {
  const asker = askerOf(who)
  const token = asker.role === 'local' ? 'local' : (cookies[SESSION_COOKIE.name] ?? '')
  return { ...asker, login: createHash('sha256').update(`${asker.name} ${token}`).digest('hex') }
}
