import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import type { PasskeyMade, PasskeyShown, PasskeyView } from '../../contract/routes/access.ts'
import type { Clock } from '../../contract/clock.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms, text } from '../records/schema.ts'
import type { Note } from './note.ts'
import { checkPassword, countProof, holderOf, mayChangeFactor, type Holder } from './proof.ts'
import { makeRecoveryCodes, recoveryHash } from './recovery.ts'
import { relyingPartyOf, type RelyingParty } from './relying-party.ts'
import type { Throttle } from './throttle.ts'

/** A person needs a while to find their key; WebAuthn Level 3, 5.4, advises 5 to 10 minutes. */
const CHALLENGE_MS = 5 * 60_000
const MOST_PASSKEYS = 10

type Options = { options: Record<string, unknown> }

/** Passkeys (WebAuthn) as a second factor. `token` is of a person's session, `host` how the browser calls the server. */
export type Passkeys = {
  list(
    token: string,
    host: string,
  ): Promise<{ authenticator: boolean; passkeys: PasskeyView[]; relyingParty: string | null }>
  /** Throws REQUEST_INVALID for a wrong password or a host that is an address, SECOND_FACTOR_REQUIRED as `second-factor.ts`. */
  begin(token: string, request: { password: string; host: string }): Promise<Options>
  /** Adds what the browser made. Throws SECOND_FACTOR_INVALID; CONFLICT before `begin`, too late, or with one known already. */
  add(
    token: string,
    request: { name: string; credential: PasskeyMade; host: string },
  ): Promise<{ recoveryCodes: string[]; provenUntilMs: number }>
  /** Throws SECOND_FACTOR_REQUIRED without a proof, NOT_FOUND, CONFLICT for the last factor. */
  remove(token: string, id: string): Promise<void>
  /** Throws SECOND_FACTOR_REQUIRED when there is no passkey for this host. */
  challenge(token: string, host: string): Promise<Options>
  /** Throws SECOND_FACTOR_INVALID; CONFLICT before `challenge` or too late. */
  prove(
    token: string,
    request: { credential: PasskeyShown; host: string },
  ): Promise<{ provenUntilMs: number }>
}

/** Passkeys over the records; each deed stands in the audit log with it. */
export function createPasskeys({
  records,
  clock,
  passwords,
  note,
}: {
  records: Records
  clock: Clock
  passwords: Throttle
  note: Note
}): Passkeys {
  const tell = (db: Db, { name }: Holder, action: string, detail: unknown): Promise<unknown> =>
    note(db, { who: name, action, client: null, subject: name, detail })
  const holder = (token: string): Promise<Holder> => records.operator((db) => holderOf(db, token, clock()))

  async function keep(
    { token_hash }: Holder,
    asked: { purpose: 'add' | 'show'; challenge: string; relyingParty: string },
  ): Promise<void> {
    const passkey_challenge = json({ ...asked, untilMs: clock() + CHALLENGE_MS })
    await records.operator((db) =>
      db
        .updateTable('person_session')
        .set({ passkey_challenge })
        .where('token_hash', '=', token_hash)
        .execute(),
    )
  }

  /** What this session was asked to sign; each challenge is taken once, whatever comes of it. */
  async function take(token: string, purpose: 'add' | 'show', party: RelyingParty) {
    return records.operator(async (db) => {
      const person = await holderOf(db, token, clock())
      const asked = person.passkey_challenge
      await db
        .updateTable('person_session')
        .set({ passkey_challenge: null })
        .where('token_hash', '=', person.token_hash)
        .execute()
      const stands = asked?.purpose === purpose && asked.relyingParty === party.id && asked.untilMs > clock()
      return { person, challenge: stands ? asked.challenge : undefined }
    })
  }

  return {
    async list(token, host) {
      const { totp_secret, passkeys } = await holder(token)
      return {
        authenticator: totp_secret !== null,
        passkeys: passkeys.map((each) => ({
          id: each.credential_id,
          name: each.name,
          relyingParty: each.relying_party,
          createdAtMs: ms(each.created_at),
          usedAtMs: each.used_at === null ? null : ms(each.used_at),
        })),
        relyingParty: relyingPartyOf(host)?.id ?? null,
      }
    },

    async begin(token, { password, host }) {
      const party = needParty(host)
      const person = await holder(token)
      mayChangeFactor(person, clock())
      await checkPassword(person, password, { throttle: passwords, nowMs: clock() })
      if (person.passkeys.length >= MOST_PASSKEYS)
        throw new VigiaError('CONFLICT', `there are ${MOST_PASSKEYS} passkeys already; take one away first`)
      const options = await generateRegistrationOptions({
        rpName: 'Vigía',
        rpID: party.id,
        userName: person.name,
        userDisplayName: person.name,
        userID: new Uint8Array(Buffer.from(person.person_id)),
        timeout: CHALLENGE_MS,
        attestationType: 'none',
        excludeCredentials: here(person, party).map(descriptor),
        // A second factor beside a password: it need not find its person by itself, nor ask for a PIN.
        authenticatorSelection: { residentKey: 'discouraged', userVerification: 'preferred' },
      })
      await keep(person, { purpose: 'add', challenge: options.challenge, relyingParty: party.id })
      return { options: { ...options } }
    },

    async add(token, { name, credential, host }) {
      const party = needParty(host)
      const { person, challenge } = await take(token, 'add', party)
      if (challenge === undefined) throw nothingAsked()
      const made = await verified(() =>
        verifyRegistrationResponse({
          response: credential,
          ...expected(party, challenge),
        }),
      )
      const info = made.registrationInfo
      if (info === undefined)
        throw new VigiaError('SECOND_FACTOR_INVALID', 'the passkey did not sign what was asked')
      return records.operator(async (db) => {
        const now = await holderOf(db, token, clock())
        // Another session may have set one up since.
        mayChangeFactor(now, clock())
        const known = await db
          .insertInto('person_passkey')
          .values({
            credential_id: info.credential.id,
            person_id: person.person_id,
            relying_party: party.id,
            name: text(name),
            public_key: Buffer.from(info.credential.publicKey),
            sign_count: info.credential.counter,
            transports: credential.response.transports,
            created_at: at(clock()),
          })
          .onConflict((conflict) => conflict.column('credential_id').doNothing())
          .executeTakeFirst()
        if (known.numInsertedOrUpdatedRows === 0n)
          throw new VigiaError('CONFLICT', 'this passkey is known already')
        const recoveryCodes = now.hasFactor ? [] : makeRecoveryCodes()
        if (recoveryCodes.length > 0)
          await db
            .updateTable('person')
            .set({ recovery_hashes: recoveryCodes.map((each) => recoveryHash(person.person_id, each)) })
            .where('person_id', '=', person.person_id)
            .execute()
        await tell(db, person, 'person.passkey-add', { id: info.credential.id, name, relyingParty: party.id })
        return { recoveryCodes, provenUntilMs: await countProof(db, now, clock()) }
      })
    },

    async remove(token, id) {
      await records.operator(async (db) => {
        const person = await holderOf(db, token, clock())
        mayChangeFactor(person, clock())
        const passkey = person.passkeys.find(({ credential_id }) => credential_id === id)
        if (passkey === undefined) throw new VigiaError('NOT_FOUND', 'you have no such passkey')
        if (person.totp_secret === null && person.passkeys.length === 1)
          throw new VigiaError('CONFLICT', 'it is your only second factor; add another first')
        await db.deleteFrom('person_passkey').where('credential_id', '=', id).execute()
        await tell(db, person, 'person.passkey-remove', { id, name: passkey.name })
      })
    },

    async challenge(token, host) {
      const party = needParty(host)
      const person = await holder(token)
      const passkeys = here(person, party)
      if (passkeys.length === 0)
        throw new VigiaError('SECOND_FACTOR_REQUIRED', `you have no passkey for ${party.id}`)
      const options = await generateAuthenticationOptions({
        rpID: party.id,
        timeout: CHALLENGE_MS,
        allowCredentials: passkeys.map(descriptor),
        userVerification: 'preferred',
      })
      await keep(person, { purpose: 'show', challenge: options.challenge, relyingParty: party.id })
      return { options: { ...options } }
    },

    async prove(token, { credential, host }) {
      const party = needParty(host)
      const { person, challenge } = await take(token, 'show', party)
      if (challenge === undefined) throw nothingAsked()
      const refuse = async (why: string): Promise<never> => {
        await records.operator((db) => tell(db, person, 'person.second-factor-refused', { why }))
        throw new VigiaError('SECOND_FACTOR_INVALID', why)
      }
      const passkey = here(person, party).find(({ credential_id }) => credential_id === credential.id)
      if (passkey === undefined) return refuse('this is none of your passkeys')
      const shown = await verified(() =>
        verifyAuthenticationResponse({
          response: credential,
          ...expected(party, challenge),
          credential: {
            id: passkey.credential_id,
            publicKey: new Uint8Array(passkey.public_key),
            counter: passkey.sign_count,
            transports: passkey.transports,
          },
        }),
      ).catch((error: unknown) => refuse(error instanceof Error ? error.message : String(error)))
      if (!shown.verified) return refuse('the passkey did not sign what was asked')
      const { newCounter } = shown.authenticationInfo
      return records.operator(async (db) => {
        const now = await holderOf(db, token, clock())
        const changed = await db
          .updateTable('person_passkey')
          .set({ sign_count: newCounter, used_at: at(clock()) })
          .where('credential_id', '=', passkey.credential_id)
          // Whoever took it away, or used a copy of it, meanwhile was first.
          .where('sign_count', '=', passkey.sign_count)
          .executeTakeFirst()
        if (changed.numUpdatedRows === 0n) throw nothingAsked()
        await tell(db, person, 'person.second-factor-shown', { by: 'passkey', id: passkey.credential_id })
        return { provenUntilMs: await countProof(db, now, clock()) }
      })
    },
  }
}

function needParty(host: string): RelyingParty {
  const party = relyingPartyOf(host)
  if (party === null)
    throw new VigiaError(
      'REQUEST_INVALID',
      'a passkey belongs to a name, not to an address: open the console under its name, or as localhost',
    )
  return party
}

const here = ({ passkeys }: Holder, { id }: RelyingParty): Holder['passkeys'] =>
  passkeys.filter(({ relying_party }) => relying_party === id)

const descriptor = ({
  credential_id,
  transports,
}: Holder['passkeys'][number]): { id: string; transports: string[] } => ({ id: credential_id, transports })

const expected = ({ id, origins }: RelyingParty, challenge: string) => ({
  expectedChallenge: challenge,
  expectedOrigin: origins,
  expectedRPID: id,
  requireUserVerification: false,
})

/** What the library refuses is what the browser sent. */
async function verified<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw new VigiaError('SECOND_FACTOR_INVALID', 'the passkey did not sign what was asked', {
      cause: thrown,
    })
  }
}

function nothingAsked(): VigiaError {
  return new VigiaError('CONFLICT', 'nothing waits for this passkey, or no longer; begin again')
}
