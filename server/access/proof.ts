import { VigiaError } from '../../contract/errors.ts'
import type { Db } from '../records/records.ts'
import { at, ms } from '../records/schema.ts'
import { passwordMatches } from './password.ts'
import { tokenHash } from './people.ts'
import type { Throttle } from './throttle.ts'

/**
 * How long a proof counts. It is fixed: only another code extends it. A page that asks by itself every few seconds
 * would keep a sliding one alive at a desk that its person has left.
 */
const PROOF_MS = 15 * 60_000

/** A person's row with that of their session, as `holderOf` reads it. */
export type Holder = Awaited<ReturnType<typeof holderOf>>

/**
 * Whose session it is. The person's row is held until the transaction ends, so that of two tries at once the second
 * sees what the first has done. Throws UNAUTHENTICATED.
 */
export async function holderOf(db: Db, token: string, nowMs: number) {
  const found = await db
    .selectFrom('person_session')
    .innerJoin('person', 'person.person_id', 'person_session.person_id')
    .selectAll('person')
    .select(['person_session.token_hash', 'proven_until', 'totp_pending', 'passkey_challenge'])
    .where('token_hash', '=', tokenHash(token))
    .where('person_session.expires_at', '>', at(nowMs))
    .where('removed_at', 'is', null)
    .forUpdate('person')
    .executeTakeFirst()
  if (found === undefined) throw new VigiaError('UNAUTHENTICATED', 'nobody is signed in')
  const passkeys = await db
    .selectFrom('person_passkey')
    .selectAll()
    .where('person_id', '=', found.person_id)
    .orderBy('created_at')
    .execute()
  return { ...found, passkeys, hasFactor: found.totp_secret !== null || passkeys.length > 0 }
}

/** From now on the session may run code, for a while; until when. What it had begun to set up is over. */
export async function countProof(db: Db, { token_hash }: Holder, nowMs: number): Promise<number> {
  const provenUntilMs = nowMs + PROOF_MS
  await db
    .updateTable('person_session')
    .set({ proven_until: at(provenUntilMs), totp_pending: null, passkey_challenge: null })
    .where('token_hash', '=', token_hash)
    .execute()
  return provenUntilMs
}

/** A factor that is set is changed only by who has shown it lately. Throws SECOND_FACTOR_REQUIRED. */
export function mayChangeFactor({ hasFactor, proven_until }: Holder, nowMs: number): void {
  if (hasFactor && (proven_until === null || ms(proven_until) <= nowMs))
    throw new VigiaError(
      'SECOND_FACTOR_REQUIRED',
      'a second factor is set up already; show it, or one of its recovery codes, to change that',
    )
}

/** Throws REQUEST_INVALID when it is not their password, LOGIN_THROTTLED after many that were not. */
export async function checkPassword(
  { person_id, password_hash }: Holder,
  password: string,
  { throttle, nowMs }: { throttle: Throttle; nowMs: number },
): Promise<void> {
  throttle.begin(person_id, nowMs)
  if (!(await passwordMatches(password, password_hash)))
    throw new VigiaError('REQUEST_INVALID', 'the password is wrong', {
      faults: [{ field: 'body.password', message: 'the password is wrong' }],
    })
  throttle.succeed(person_id)
}
