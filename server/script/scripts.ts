import { sql } from 'kysely'
import type { Clock } from '../../contract/clock.ts'
import type { ScriptContent } from '../../contract/command.ts'
import type { TrustRoot, TrustedKey } from '../../contract/trust/root.ts'
import { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { VigiaError, type ErrorCode } from '../../contract/errors.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms } from '../records/schema.ts'
import { refusalOf, standingOf, type SignedScript } from './approvals.ts'
import { openScript } from './library.ts'
import { payloadDigest } from './sign.ts'
import { signersOf } from './verify.ts'

/** A version of a script in the records. */
type StoredScript = SignedScript & { approvedBy: string[]; approvedAtMs: number }

/** A version as lists show it, by the trust root in force. */
type Listed = {
  digest: string
  content: Omit<ScriptContent, 'body'>
  approvedBy: string[]
  approvedAtMs: number
  anywhere: boolean
  /** So many more approvals it needs before it may run. */
  lacking: number
  revoked: boolean
  expired: boolean
}

export type Scripts = {
  /**
   * Stores a script that at least one known approver or publisher signed (COMMAND_UNAPPROVED) and that the root has not
   * withdrawn (SCRIPT_REVOKED); one with fewer approvals than it needs waits for more. A name and version stand for one
   * content for ever (CONFLICT for another); the same content again adds its signatures.
   */
  add(envelope: DsseEnvelope): Promise<{ digest: string; name: string; version: number; lacking: number }>
  /**
   * Stores those that are not stored yet as they are, all in one transaction and after one look; answers those that no
   * known key signed.
   */
  addAll(envelopes: readonly DsseEnvelope[]): Promise<{ refused: ScriptContent[] }>
  /**
   * Of each name the newest version that runs on any device, the newest that runs on some, and the newer ones that wait:
   * the answer of GET /api/scripts.
   */
  list(): Promise<Listed[]>
  /** One version by digest or as `find` chooses it, and all versions of its name, newest first; NOT_FOUND. */
  get(nameOrDigest: string): Promise<{
    script: Listed & { content: ScriptContent; payload: string }
    versions: (Pick<Listed, 'digest' | 'approvedBy' | 'approvedAtMs'> & { version: number })[]
  }>
  /**
   * By digest; or by name the newest version that may run on any device, else the newest that may run on some, else the
   * newest, which `refusal` explains. Inside the caller's transaction.
   */
  find(db: Db, nameOrDigest: string): Promise<StoredScript | undefined>
  /** Why devices would not run this version, on this device or (null) on any; undefined when they would. */
  refusal(script: SignedScript, device: string | null): { code: ErrorCode; why: string } | undefined
}

type Options = { records: Records; clock: Clock; root: () => TrustRoot }

/** Scripts in the records, judged by the trust root in force. The server stores and forwards them; devices verify again. */
export function createScripts({ records, clock, root }: Options): Scripts {
  const listed = (script: StoredScript): Listed => {
    const { by, ...standing } = standingOf(script, root(), clock())
    const { body: _body, ...content } = script.content
    return { digest: script.digest, content, approvedBy: by, approvedAtMs: script.approvedAtMs, ...standing }
  }

  const knownKeys = () => [...root().publishers.keys, ...root().approvers.keys]
  const isKnown = (envelope: DsseEnvelope) => signersOf(envelope, knownKeys()).length > 0

  async function addIn(db: Db, envelope: DsseEnvelope) {
    const content = openScript(envelope)
    const digest = payloadDigest(envelope)
    if (!isKnown(envelope))
      throw new VigiaError(
        'COMMAND_UNAPPROVED',
        `nobody who may approve signed ${content.name} v${content.version}: "vigia trust show" says who may`,
      )
    await sql`select pg_advisory_xact_lock(hashtextextended(${'script|' + content.name}, 0))`.execute(db)
    const before = await db
      .selectFrom('script')
      .select(['digest', 'envelope'])
      .where('name', '=', content.name)
      .where('version', '=', content.version)
      .executeTakeFirst()
    if (before && before.digest !== digest)
      throw new VigiaError(
        'CONFLICT',
        `${content.name} v${content.version} is approved with another content; raise its version`,
      )
    const signatures = DsseEnvelope.shape.signatures.parse(
      mergeSignatures(before?.envelope.signatures ?? [], envelope, knownKeys()),
    )
    const merged: DsseEnvelope = { ...envelope, signatures }
    const columns = {
      envelope: json(merged),
      approved_by: signersOf(merged, knownKeys()).map((key) => key.name),
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
    const { lacking } = standingOf({ digest, content, envelope: merged }, root(), clock())
    return { digest, name: content.name, version: content.version, lacking }
  }

  return {
    async add(envelope) {
      if (root().revokedScripts.includes(payloadDigest(envelope)))
        throw new VigiaError(
          'SCRIPT_REVOKED',
          'the trust root has withdrawn this very version: no approval brings it back; raise its version',
        )
      return records.operator((db) => addIn(db, envelope))
    },

    addAll: (envelopes) =>
      records.operator(async (db) => {
        const rows = await db
          .selectFrom('script')
          .select(['digest', 'envelope'])
          .where('digest', 'in', envelopes.map(payloadDigest))
          .execute()
        const stored = new Map(rows.map(({ digest, envelope }) => [digest, envelope.signatures]))
        const lacks = (envelope: DsseEnvelope) => {
          const there = stored.get(payloadDigest(envelope)) ?? []
          return envelope.signatures.some(({ sig }) => !there.some((each) => each.sig === sig))
        }
        const refused: ScriptContent[] = []
        for (const envelope of envelopes.filter(lacks))
          if (isKnown(envelope)) await addIn(db, envelope)
          else refused.push(openScript(envelope))
        return { refused }
      }),

    async list() {
      const rows = await records.operator((db) =>
        db.selectFrom('script').selectAll().orderBy('name').orderBy('version', 'desc').execute(),
      )
      const shown: Listed[] = []
      const settled = new Set<string>()
      const narrow = new Set<string>()
      for (const row of rows) {
        if (settled.has(row.name)) continue
        const script = listed(toScript(row))
        const runs = script.lacking === 0 && !isOver(script)
        // Older versions are history once one may run, but for the one that runs anywhere: a name alone means that.
        if (narrow.has(row.name) && !(runs && script.anywhere)) continue
        if (runs) (script.anywhere ? settled : narrow).add(row.name)
        shown.push(script)
      }
      // What is over shows only where nothing else is left.
      return shown.filter((script) => {
        const versions = shown.filter(({ content }) => content.name === script.content.name)
        return !isOver(script) || (versions[0] === script && versions.every(isOver))
      })
    },

    async get(nameOrDigest) {
      const found = await records.operator((db) =>
        findScript(db, nameOrDigest, { root: root(), nowMs: clock() }),
      )
      if (!found) throw new VigiaError('NOT_FOUND', `no script ${nameOrDigest}`)
      const rows = await records.operator((db) => versionsOf(db, found.content.name))
      return {
        script: { ...listed(found), content: found.content, payload: found.envelope.payload },
        versions: rows.map(listed).map(({ digest, content, approvedBy, approvedAtMs }) => ({
          ...{ digest, version: content.version, approvedBy, approvedAtMs },
        })),
      }
    },

    find: (db, nameOrDigest) => findScript(db, nameOrDigest, { root: root(), nowMs: clock() }),
    refusal: (script, device) => refusalOf(script, root(), device, clock()),
  }
}

/** Withdrawn, or past the end that its approvers set: it will not run any more. */
function isOver({ revoked, expired }: Pick<Listed, 'revoked' | 'expired'>): boolean {
  return revoked || expired
}

async function findScript(
  db: Db,
  nameOrDigest: string,
  { root, nowMs }: { root: TrustRoot; nowMs: number },
): Promise<StoredScript | undefined> {
  if (/^[0-9a-f]{64}$/.test(nameOrDigest)) {
    const row = await db
      .selectFrom('script')
      .selectAll()
      .where('digest', '=', nameOrDigest)
      .executeTakeFirst()
    return row && toScript(row)
  }
  const versions = await versionsOf(db, nameOrDigest)
  let narrow: StoredScript | undefined
  for (const version of versions) {
    const standing = standingOf(version, root, nowMs)
    if (isOver(standing) || standing.lacking > 0) continue
    if (standing.anywhere) return version
    narrow ??= version
  }
  return narrow ?? versions[0]
}

async function versionsOf(db: Db, name: string): Promise<StoredScript[]> {
  const rows = await db
    .selectFrom('script')
    .selectAll()
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .execute()
  return rows.map(toScript)
}

function toScript(row: {
  digest: string
  envelope: DsseEnvelope
  approved_by: string[]
  approved_at: Date
}): StoredScript {
  const { digest, envelope, approved_by, approved_at } = row
  // As it was signed: the column of the records has its parameters in an order of its own.
  const content = openScript(envelope)
  return { digest, content, envelope, approvedBy: approved_by, approvedAtMs: ms(approved_at) }
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
