import type { ExpressionBuilder, Selectable } from 'kysely'
import { ms, type Tables } from '../records/schema.ts'
import type { Caller } from './roles.ts'

/** A person's row, and whether they have a passkey. */
export type Person = Selectable<Tables['person']> & { has_passkey: boolean }

/** Has the person of the row a passkey? A column for `select`. */
export function hasPasskey(eb: ExpressionBuilder<Tables, 'person'>) {
  return eb
    .exists(
      eb
        .selectFrom('person_passkey')
        .select('credential_id')
        .whereRef('person_passkey.person_id', '=', 'person.person_id'),
    )
    .$castTo<boolean>()
    .as('has_passkey')
}

/** Who calls, as routes see it, from the rows of the person and of the session. */
export function callerOf({
  name,
  role,
  clients,
  totp_secret,
  recovery_hashes,
  proven_until,
  has_passkey,
}: Pick<Person, 'name' | 'role' | 'clients' | 'totp_secret' | 'recovery_hashes' | 'has_passkey'> & {
  proven_until: Date | null
}): Caller {
  const secondFactor = totp_secret !== null || has_passkey
  return {
    ...{ name, role, clients, secondFactor },
    ...(secondFactor ? { recoveryCodesLeft: recovery_hashes.length } : {}),
    provenUntilMs: proven_until === null ? null : ms(proven_until),
  }
}
