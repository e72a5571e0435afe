import { VigiaError } from '../../contract/errors.ts'
import type { RouteName } from '../../contract/http.ts'
import type { SIGN_IN_ROUTES } from '../../contract/routes/person.ts'
import { SESSION_COOKIE, type Session } from '../access/people.ts'
import { verifyOutputs } from '../audit/outputs.ts'
import type { Call, Handlers } from '../http/handler.ts'
import { outputHashes } from '../remediation/output-hash.ts'
import type { Parts } from '../wiring/parts.ts'

type Names = keyof typeof SIGN_IN_ROUTES | 'audit' | 'verifyAudit' | 'verifyOutputs' | 'backup' | 'health'

/** Routes of whoever comes: set-up, signing in and out; and of the server itself: health, audit, backup. */
export function accessRoutes({ people, records, audit, backup, health }: Parts): Pick<Handlers, Names> {
  const begin = (call: Pick<Call<RouteName>, 'reply' | 'secure'>, session: Session): Session['me'] => {
    const { secure } = call
    call.reply.setCookie(SESSION_COOKIE.name, session.token, { ...SESSION_COOKIE.options, secure })
    return session.me
  }
  return {
    health: () => health(),
    audit: async ({ query }) => ({ rows: await audit.list(query) }),
    verifyAudit({ query: { anchorId, anchorHash } }) {
      return audit.verify(
        anchorId === undefined || anchorHash === undefined
          ? {}
          : { anchor: { id: anchorId, timeMs: 0, hash: anchorHash } },
      )
    },
    verifyOutputs: () => verifyOutputs(records, outputHashes),
    async backup({ body, whoName }) {
      await audit.append({ who: whoName, action: 'server.backup', client: null, subject: body.file })
      return { file: body.file, ...(await backup(body.file)) }
    },
    setupState: async () => ({ needed: await people.setupNeeded() }),
    async setup(call) {
      const session = await people.setup({ ...call.body, address: call.address })
      await audit.append({
        who: session.me.name,
        action: 'person.setup',
        client: null,
        subject: session.me.name,
      })
      return begin(call, session)
    },
    async login(call) {
      const session = await people.login({ ...call.body, address: call.address })
      await audit.append({
        who: session.me.name,
        action: 'person.login',
        client: null,
        subject: session.me.name,
      })
      return begin(call, session)
    },
    async logout(call) {
      const token = call.cookies[SESSION_COOKIE.name]
      if (token !== undefined) await people.logout(token)
      call.reply.clearCookie(SESSION_COOKIE.name, { path: '/' })
      return { ok: true }
    },
    async me({ who }) {
      if (who === undefined) throw new VigiaError('UNAUTHENTICATED', 'Nobody is signed in.')
      return who
    },
  }
}
