import { VigiaError } from '../contract/errors.ts'
import type { REMOTE_ROUTES } from '../contract/remote-routes.ts'
import type { Handlers } from './http/handler.ts'
import type { Parts } from './parts.ts'

const soon = (): never => {
  throw new VigiaError('INTERNAL', 'This part is being built.')
}

/** Routes of remote sessions. */
export function remoteRoutes(
  _parts: Parts,
): Pick<Handlers, 'remoteOffer' | 'openRemote' | 'remotes' | 'remote' | 'closeRemote' | 'remoteRecording'> {
  return {
    remoteOffer: soon,
    openRemote: soon,
    remotes: soon,
    remote: soon,
    closeRemote: soon,
    remoteRecording: soon,
  }
}
