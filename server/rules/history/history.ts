import { sql } from 'kysely'
import type { Clock } from '../../../contract/clock.ts'
import type { PackVersion } from '../../../contract/rule-views.ts'
import type { RuleSpec } from '../../../contract/rules.ts'
import type { CompiledRule } from '../../../rules/language/compiled.ts'
import type { Db, Records } from '../../records/records.ts'
import { at, json, ms, text } from '../../records/schema.ts'
import type { EditedPack } from '../rule-book.ts'
import type { LoadedPack } from '../rule-set.ts'

/** A rule as it once was in force. */
export type KeptVersion = { rule: string; version: string; pack: string; spec: RuleSpec; firstSeenMs: number }

/** What became of packs and rules over time, in the records. All throw RECORDS_UNAVAILABLE. */
export type RuleHistory = {
  /**
   * Keeps every rule that is not kept yet, in force since `sinceMs`, so that an incident can be replayed with the
   * version that opened it.
   */
  keepVersions(rules: readonly CompiledRule[], sinceMs: number): Promise<void>
  version(rule: string, version: string): Promise<KeptVersion | undefined>
  /** Writes edits down, in the transaction of the caller. */
  note(db: Db, edits: readonly EditedPack[], by: { who: string; note: string }): Promise<void>
  /** Notes packs that somebody changed, or took away, on the disk itself. */
  noteFound(packs: readonly LoadedPack[]): Promise<void>
  /** Newest first, at most 200. */
  ofPack(pack: string): Promise<PackVersion[]>
}

const WRITTEN_TOGETHER = 100

/** The history in the records. */
export function createRuleHistory({ records, clock }: { records: Records; clock: Clock }): RuleHistory {
  async function note(
    db: Db,
    edits: readonly EditedPack[],
    by: { who: string; note: string; found?: boolean },
  ): Promise<void> {
    if (edits.length === 0) return
    const rows = edits.map((edit) => ({
      pack: edit.pack,
      at: at(clock()),
      who: by.who,
      action:
        edit.text === null
          ? ('removed' as const)
          : by.found === true
            ? ('found' as const)
            : ('saved' as const),
      note: text(by.note),
      body: edit.text === null ? null : text(edit.text),
    }))
    await db.insertInto('rule_pack_history').values(rows).execute()
  }

  return {
    note,
    keepVersions: (rules, sinceMs) =>
      records.operator(async (db) => {
        for (let from = 0; from < rules.length; from += WRITTEN_TOGETHER) {
          const rows = rules.slice(from, from + WRITTEN_TOGETHER).map(({ spec, version, pack }) => ({
            name: spec.name,
            version,
            pack,
            spec: json(spec),
            first_seen: at(sinceMs),
          }))
          await db
            .insertInto('rule_version')
            .values(rows)
            .onConflict((conflict) => conflict.doNothing())
            .execute()
        }
      }),
    version: (rule, version) =>
      records.operator(async (db) => {
        const row = await db
          .selectFrom('rule_version')
          .selectAll()
          .where('name', '=', rule)
          .where('version', '=', version)
          .executeTakeFirst()
        if (row === undefined) return undefined
        const { name, pack, spec, first_seen } = row
        return { rule: name, version, pack, spec, firstSeenMs: ms(first_seen) }
      }),
    noteFound: (packs) =>
      records.operator(async (db) => {
        const newest = await db
          .selectFrom('rule_pack_history')
          .distinctOn('pack')
          .select(['pack', 'body'])
          .orderBy('pack')
          .orderBy('history_id', 'desc')
          .execute()
        const known = new Map(newest.map(({ pack, body }) => [pack, body]))
        const own = packs.filter(({ origin }) => origin === 'data')
        const changed = own.filter((pack) => known.get(pack.name) !== text(pack.text))
        const gone = newest.filter(
          ({ pack, body }) => body !== null && !own.some(({ name }) => name === pack),
        )
        await note(
          db,
          [
            ...changed.map((pack) => ({ pack: pack.name, text: pack.text })),
            ...gone.map(({ pack }) => ({ pack, text: null })),
          ],
          { who: 'disk', note: '', found: true },
        )
      }),
    ofPack: (pack) =>
      records.operator(async (db) => {
        const rows = await db
          .selectFrom('rule_pack_history')
          .selectAll()
          .where('pack', '=', pack)
          .orderBy(sql`history_id`, 'desc')
          .limit(200)
          .execute()
        return rows.map((row) => ({
          id: row.history_id,
          pack: row.pack,
          atMs: ms(row.at),
          who: row.who,
          action: row.action,
          note: row.note,
          text: row.body,
        }))
      }),
  }
}
