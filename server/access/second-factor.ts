import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { Db, Records } from '../records/records.ts'
import { text } from '../records/schema.ts'
import type { Note } from './note.ts'
import { checkPassword, countProof, holderOf, mayChangeFactor } from './proof.ts'
import { makeRecoveryCodes, recoveryHash } from './recovery.ts'
import { createThrottle, type Throttle } from './throttle.ts'
import { makeTotpSecret, totpStep, totpUri } from './totp.ts'

/** Where secrets lie encrypted. */
export type Box = {
  seal(text: string, context: string): Buffer
  open(sealed: Buffer, context: string): string
}

/** Second factors of people: an authenticator application (TOTP) and recovery codes. `token` is of their session. */
export type SecondFactors = {
  /**
   * A new secret, in force once its first code was shown in the same session. Throws REQUEST_INVALID for a
   * wrong password, LOGIN_THROTTLED, and SECOND_FACTOR_REQUIRED where one is set that was not shown lately.
   */
  begin(token: string, password: string): Promise<{ secret: string; uri: string }>
  /** Puts the secret in force; other sessions must show it anew. Throws SECOND_FACTOR_INVALID, LOGIN_THROTTLED, CONFLICT before `begin`. */
  confirm(token: string, code: string): Promise<{ recoveryCodes: string[]; provenUntilMs: number }>
  /** Takes a code, each time step's once, or a recovery code, each once. Throws SECOND_FACTOR_INVALID, LOGIN_THROTTLED, SECOND_FACTOR_REQUIRED when none is set up. */
  prove(token: string, code: string): Promise<{ provenUntilMs: number }>
  /** Takes the factor away and ends the person's sessions. Throws NOT_FOUND. */
  reset(name: string, who: string): Promise<void>
}

/** Second factors over the records; secrets lie sealed in the box, and each deed stands in the audit log with it. */
export function createSecondFactors({
  records,
  clock,
  box,
  passwords,
  note,
}: {
  records: Records
  clock: Clock
  box: Box
  /** Of passwords that are asked for once more. */
  passwords: Throttle
  note: Note
}): SecondFactors {
  // Leaves at most 160 guesses a day, each right with 3 in a million: one in 2,000 a day, for who has the password too.
  const codes = createThrottle({ freeFailures: 5, longestWaitMs: 60 * 60_000 })

  const tell = (db: Db, name: string, action: string, detail?: unknown): Promise<unknown> =>
    note(db, { who: name, action, client: null, subject: name, ...(detail === undefined ? {} : { detail }) })
  const invalid = (why: string): VigiaError => new VigiaError('SECOND_FACTOR_INVALID', why)

  const context = (person: string): string => `second factor of ${person}`

  return {
    async begin(token, password) {
      const person = await records.operator((db) => holderOf(db, token, clock()))
      mayChangeFactor(person, clock())
      await checkPassword(person, password, { throttle: passwords, nowMs: clock() })
      const secret = makeTotpSecret()
      await records.operator(async (db) => {
        await db
          .updateTable('person_session')
          .set({ totp_pending: box.seal(secret, context(person.person_id)) })
          .where('token_hash', '=', person.token_hash)
          .execute()
        await tell(db, person.name, 'person.second-factor-begin')
      })
      return { secret, uri: totpUri(secret, person.name) }
    },

    async confirm(token, code) {
      const result = await records.operator(async (db) => {
        const person = await holderOf(db, token, clock())
        if (person.totp_pending === null)
          throw new VigiaError('CONFLICT', 'no secret waits for its first code; begin again')
        // Another session may have set one up since.
        mayChangeFactor(person, clock())
        codes.begin(person.person_id, clock())
        const step = totpStep(box.open(person.totp_pending, context(person.person_id)), code, clock())
        if (step === null) throw invalid('the code is wrong, or its time is over')
        const recoveryCodes = makeRecoveryCodes()
        await db
          .updateTable('person')
          .set({
            totp_secret: person.totp_pending,
            totp_last_step: step,
            recovery_hashes: recoveryCodes.map((each) => recoveryHash(person.person_id, each)),
          })
          .where('person_id', '=', person.person_id)
          .execute()
        // What was shown before was another factor.
        await db
          .updateTable('person_session')
          .set({ proven_until: null, totp_pending: null })
          .where('person_id', '=', person.person_id)
          .execute()
        const provenUntilMs = await countProof(db, person, clock())
        await tell(db, person.name, 'person.second-factor-set', { replaced: person.totp_secret !== null })
        return { person: person.person_id, recoveryCodes, provenUntilMs }
      })
      codes.succeed(result.person)
      return { recoveryCodes: result.recoveryCodes, provenUntilMs: result.provenUntilMs }
    },

    async prove(token, typed) {
      // What was refused is on record too, so the refusal is thrown when it stands there.
      const result = await records.operator(async (db) => {
        const person = await holderOf(db, token, clock())
        if (!person.hasFactor) throw new VigiaError('SECOND_FACTOR_REQUIRED', 'you have no second factor yet')
        codes.begin(person.person_id, clock())
        const code = typed.replaceAll(/\s/g, '')
        const refuse = async (why: string): Promise<{ refused: string }> => {
          await tell(db, person.name, 'person.second-factor-refused', { why })
          return { refused: why }
        }
        if (/^\d{6}$/.test(code)) {
          if (person.totp_secret === null) return refuse('no authenticator application is set up')
          const step = totpStep(box.open(person.totp_secret, context(person.person_id)), code, clock())
          if (step === null) return refuse('the code is wrong, or its time is over')
          if (step <= (person.totp_last_step ?? -1))
            return refuse('this code has counted already; each counts once')
          await db
            .updateTable('person')
            .set({ totp_last_step: step })
            .where('person_id', '=', person.person_id)
            .execute()
          await tell(db, person.name, 'person.second-factor-shown', { by: 'code' })
        } else {
          const hash = recoveryHash(person.person_id, code)
          const left = person.recovery_hashes.filter((each) => each !== hash)
          if (left.length === person.recovery_hashes.length)
            return refuse('this is no recovery code, or one that was used')
          await db
            .updateTable('person')
            .set({ recovery_hashes: left })
            .where('person_id', '=', person.person_id)
            .execute()
          await tell(db, person.name, 'person.second-factor-shown', {
            by: 'recovery code',
            left: left.length,
          })
        }
        return { person: person.person_id, provenUntilMs: await countProof(db, person, clock()) }
      })
      if ('refused' in result) throw invalid(result.refused)
      codes.succeed(result.person)
      return { provenUntilMs: result.provenUntilMs }
    },

    async reset(name, who) {
      await records.operator(async (db) => {
        const person = await db
          .updateTable('person')
          .set({ totp_secret: null, totp_last_step: null, recovery_hashes: [] })
          .where('name', '=', text(name))
          .where('removed_at', 'is', null)
          .returning('person_id')
          .executeTakeFirst()
        if (person === undefined) throw new VigiaError('NOT_FOUND', `there is nobody of the name ${name}`)
        await db.deleteFrom('person_passkey').where('person_id', '=', person.person_id).execute()
        await db.deleteFrom('person_session').where('person_id', '=', person.person_id).execute()
        await note(db, { who, action: 'person.second-factor-reset', client: null, subject: name })
      })
    },
  }
}
