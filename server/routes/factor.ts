import type { ACCESS_ROUTES } from '../../contract/routes/access.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { RouteName } from '../../contract/http.ts'
import { SESSION_COOKIE } from '../access/people.ts'
import type { Call, Handlers } from '../http/handler.ts'
import type { Parts } from '../wiring/parts.ts'

type Names =
  | keyof typeof ACCESS_ROUTES
  | 'secondFactorBegin'
  | 'secondFactorConfirm'
  | 'proveSecondFactor'
  | 'resetSecondFactor'

/** Routes of a person's second factor: authenticator application, recovery codes, passkeys. */
export function factorRoutes({ secondFactors, passkeys, remote }: Parts): Pick<Handlers, Names> {
  return {
    secondFactorBegin: (call) => secondFactors.begin(sessionOf(call), call.body.password),
    secondFactorConfirm: (call) => secondFactors.confirm(sessionOf(call), call.body.code),
    proveSecondFactor: (call) => secondFactors.prove(sessionOf(call), call.body.code),
    async resetSecondFactor({ body, whoName }) {
      await secondFactors.reset(body.name, whoName)
      await remote.withdraw(body.name, [], whoName)
      return { ok: true }
    },
    secondFactors: (call) => passkeys.list(sessionOf(call), call.host),
    passkeyBegin: (call) =>
      passkeys.begin(sessionOf(call), { password: call.body.password, host: call.host }),
    passkeyAdd: (call) => passkeys.add(sessionOf(call), { ...call.body, host: call.host }),
    async passkeyRemove(call) {
      await passkeys.remove(sessionOf(call), call.params.id)
      return { ok: true }
    },
    passkeyChallenge: (call) => passkeys.challenge(sessionOf(call), call.host),
    passkeyProve: (call) =>
      passkeys.prove(sessionOf(call), { credential: call.body.credential, host: call.host }),
  }
}

/** The session of the person who calls; the machine's own token has none. */
function sessionOf({ cookies, who }: Pick<Call<RouteName>, 'cookies' | 'who'>): string {
  const token = cookies[SESSION_COOKIE.name]
  if (token === undefined || who === undefined || who.role === 'local')
    throw new VigiaError('UNAUTHENTICATED', 'A second factor belongs to a person; nobody is signed in.')
  return token
}
