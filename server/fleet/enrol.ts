import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import type { Clock } from '../../contract/clock.ts'
import type { EnrolAnswer, EnrolRequest } from '../../contract/enrol.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { Db, Records } from '../records/records.ts'
import { at, ms, text } from '../records/schema.ts'
import type { Authority } from './ca.ts'
import type { RootText } from './trust.ts'

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** Admits devices with single-use tokens. */
export type Enrolment = {
  /** Makes a token `vigia1.ID.SECRET.PIN`; only the hash of its secret is kept. Throws NOT_FOUND without the client. */
  createToken(options: {
    client: string
    site?: string | undefined
    ttlMs: number
  }): Promise<{ token: string; expiresAtMs: number }>
  /**
   * Admits one device: signs its request, uses the token up. The same machine enrolled again in the same client
   * keeps its identity, and its old certificate (`replacedSerial`) is refused from then on: cut its session. Throws
   * ENROL_TOKEN_INVALID (unknown, wrong, used or expired, without saying which) or REQUEST_INVALID, which uses
   * nothing up.
   */
  enrol(request: EnrolRequest): Promise<{ answer: EnrolAnswer; replacedSerial: string | null }>
}

/** Enrolment over the records, the authority, and the trust root that tokens pin. */
export function createEnrolment(parts: {
  records: Records
  clock: Clock
  authority: Authority
  /** The root in force at that moment. */
  trust: RootText
  /** Where agents connect, for example `mqtts://127.0.0.1:8883`. */
  mqttUrl: string
}): Enrolment {
  const { records, clock, authority, trust, mqttUrl } = parts

  return {
    async createToken({ client, site, ttlMs }) {
      const id = randomBytes(8).toString('hex')
      const secret = randomBytes(32).toString('base64url')
      const nowMs = clock()
      await records.operator(async (db) => {
        const known = await db
          .selectFrom('client')
          .select('client_id')
          .where('client_id', '=', client)
          .executeTakeFirst()
        if (known === undefined) throw new VigiaError('NOT_FOUND', `there is no client ${client}`)
        await db
          .insertInto('enrol_token')
          .values({
            token_id: id,
            client_id: client,
            site: site ?? null,
            secret_hash: secretHash(secret),
            created_at: at(nowMs),
            expires_at: at(nowMs + ttlMs),
          })
          .execute()
      })
      return { token: `vigia1.${id}.${secret}.${trust.pin}`, expiresAtMs: nowMs + ttlMs }
    },

    enrol(request) {
      return records.operator(async (db) => {
        const token = await takeToken(db, request, clock())
        const { device, replacedSerial } = await deviceFor(db, token.client_id, request.machineId)
        const address = { client: token.client_id, device }
        const certificate = await authority.signDevice(request.csrPem, address)
        const row = {
          site: token.site,
          hostname: text(request.hostname),
          os: request.os,
          arch: text(request.arch),
          certificate_serial: certificate.serial,
          certificate_expires_at: at(certificate.expiresAtMs),
          enrolled_at: at(clock()),
          revoked_at: null,
        }
        await db
          .insertInto('device')
          .values({ device_id: device, client_id: token.client_id, machine_id: request.machineId, ...row })
          .onConflict((conflict) => conflict.column('device_id').doUpdateSet(row))
          .execute()
        await db
          .updateTable('enrol_token')
          .set({ used_at: at(clock()), used_by: device })
          .where('token_id', '=', token.token_id)
          .execute()
        const answer = {
          ...address,
          certificatePem: certificate.certificatePem,
          trustText: trust.text,
          mqttUrl,
        }
        return { answer, replacedSerial }
      })
    },
  }
}

/** The token's row, locked until this transaction ends, so that of many tries at once one sees it unused. */
async function takeToken(
  db: Db,
  request: EnrolRequest,
  nowMs: number,
): Promise<{ token_id: string; client_id: string; site: string | null }> {
  const token = await db
    .selectFrom('enrol_token')
    .selectAll()
    .where('token_id', '=', request.tokenId)
    .forUpdate()
    .executeTakeFirst()
  const given = Buffer.from(secretHash(request.tokenSecret), 'hex')
  // An unknown token is compared too, so that time does not tell it from a wrong secret.
  const kept = Buffer.from(token?.secret_hash ?? secretHash(''), 'hex')
  const matches = timingSafeEqual(given, kept)
  if (token === undefined || !matches || token.used_at !== null || ms(token.expires_at) <= nowMs)
    throw new VigiaError('ENROL_TOKEN_INVALID', 'the enrolment token is unknown, used or expired')
  return token
}

async function deviceFor(
  db: Db,
  client: string,
  machine: string | null,
): Promise<{ device: string; replacedSerial: string | null }> {
  if (machine === null) return { device: newDeviceId(), replacedSerial: null }
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${client}/${machine}`}, 0))`.execute(db)
  const known = await db
    .selectFrom('device')
    .select(['device_id', 'certificate_serial'])
    .where('client_id', '=', client)
    .where('machine_id', '=', machine)
    .executeTakeFirst()
  return known === undefined
    ? { device: newDeviceId(), replacedSerial: null }
    : { device: known.device_id, replacedSerial: known.certificate_serial }
}

function newDeviceId(): string {
  return `d-${Array.from(randomBytes(16), (byte) => BASE32[byte & 31]).join('')}`
}

function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
