import { sql } from 'kysely'
import type { Clock } from '../../contract/clock.ts'
import type { ScriptContent } from '../../contract/command.ts'
import type { TrustedKey } from '../../contract/trust.ts'
import { DsseEnvelope } from '../../contract/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms } from '../records/schema.ts'
import { openScript } from './library.ts'
import { payloadDigest } from './sign.ts'
import { signersOf } from './verify.ts'

/** An approved version of a script. */
type ApprovedScript = {
  digest: string
  content: ScriptContent
  envelope: DsseEnvelope
  approvedBy: string[]
  approvedAtMs: number
}

export type Scripts = {
  /**
   * Stores an approved script. At least one known approver must have signed it (COMMAND_UNAPPROVED). A name and
   * version stand for one content for ever (CONFLICT for another); the same content again adds its signatures.
   */
  add(envelope: DsseEnvelope): Promise<{ digest: string; name: string; version: number }>
  /** The newest version of each, by name, without bodies: the answer of GET /api/scripts. */
  list(): Promise<
    (Pick<ApprovedScript, 'digest' | 'approvedBy' | 'approvedAtMs'> & {
      content: Omit<ScriptContent, 'body'>
    })[]
  >
  /** By digest, or the newest version of a name, inside the caller's transaction. */
  find(db: Db, nameOrDigest: string): Promise<ApprovedScript | undefined>
}

type Options = { records: Records; clock: Clock; approvers: () => readonly TrustedKey[] }

/** Approved scripts in the records. The server stores and forwards them; devices verify them again. */
export function createScripts({ records, clock, approvers }: Options): Scripts {
  return {
    async add(envelope) {
      const content = openScript(envelope)
      const digest = payloadDigest(envelope)
      const known = approvers()
      if (signersOf(envelope, known).length === 0)
        throw new VigiaError(
          'COMMAND_UNAPPROVED',
          `no known approver signed ${content.name} v${content.version}`,
        )
      await records.operator(async (db) => {
        await sql`select pg_advisory_xact_lock(hashtextextended(${'script|' + content.name}, 0))`.execute(db)
        const present = await db
          .selectFrom('script')
          .select(['digest', 'envelope'])
          .where('name', '=', content.name)
          .where('version', '=', content.version)
          .executeTakeFirst()
        if (present && present.digest !== digest)
          throw new VigiaError(
            'CONFLICT',
            `${content.name} v${content.version} is approved with another content; raise its version`,
          )
        const signatures = DsseEnvelope.shape.signatures.parse(
          mergeSignatures(present?.envelope.signatures ?? [], envelope, known),
        )
        const whole: DsseEnvelope = { ...envelope, signatures }
        const columns = {
          envelope: json(whole),
          approved_by: signersOf(whole, known).map((key) => key.name),
        }
        await db
          .insertInto('script')
          .values({
            ...columns,
            digest,
            name: content.name,
            version: content.version,
            content: json(content),
            approved_at: at(clock()),
          })
          .onConflict((conflict) => conflict.column('digest').doUpdateSet(columns))
          .execute()
      })
      return { digest, name: content.name, version: content.version }
    },

    list: () =>
      records.operator(async (db) => {
        const rows = await db
          .selectFrom('script')
          .select(['digest', 'content', 'approved_by', 'approved_at'])
          .distinctOn('name')
          .orderBy('name')
          .orderBy('version', 'desc')
          .execute()
        return rows.map(({ digest, content: { body: _body, ...content }, approved_by, approved_at }) => ({
          digest,
          content,
          approvedBy: approved_by,
          approvedAtMs: ms(approved_at),
        }))
      }),

    async find(db, nameOrDigest) {
      const column = /^[0-9a-f]{64}$/.test(nameOrDigest) ? 'digest' : 'name'
      const row = await db
        .selectFrom('script')
        .selectAll()
        .where(column, '=', nameOrDigest)
        .orderBy('version', 'desc')
        .limit(1)
        .executeTakeFirst()
      if (!row) return undefined
      const { digest, content, envelope, approved_by, approved_at } = row
      return { digest, content, envelope, approvedBy: approved_by, approvedAtMs: ms(approved_at) }
    },
  }
}

/** One signature for each key that is known and signed; those that came before stay. */
function mergeSignatures(
  before: DsseEnvelope['signatures'],
  envelope: DsseEnvelope,
  known: readonly TrustedKey[],
): DsseEnvelope['signatures'] {
  const added = envelope.signatures.filter(
    (signature) => signersOf({ ...envelope, signatures: [signature] }, known).length > 0,
  )
  const byKey = new Map([...added, ...before].map((signature) => [signature.keyid, signature]))
  return [...byKey.values()]
}
