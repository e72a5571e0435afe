import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { createAudit } from '../../server/audit/audit.ts'
import { createChainCheck, type ChainHead, type ChainRow } from '../../server/audit/chain.ts'
import { withClient } from '../../server/records/migrate.ts'
import { testRecords } from '../server/records/clusters.ts'
import { tamperRows, tamperTable } from './audit/tamper.ts'
import { seeded } from './kill/random.ts'

/** The figures; `inDatabase` of the tamperings were made in the table itself and found by the server's own walk. */
export type AuditFigures = {
  tamperings: number
  found: number
  inDatabase: number
  /** Truncations among them: without an anchor of a person they are found by the head that the server noted itself. */
  truncations: number
  rows: number
  /** Chains that nobody touched and that were called broken all the same. */
  falseAlarms: number
  seed: number
}

/**
 * Tampers with a real audit chain in PostgreSQL in random ways (`--tamperings`, `--seed`): edits any column, deletes,
 * swaps, inserts, cuts off. Each is judged by the code of `vigia audit verify`, with the head that the server notes
 * outside the table: most over the rows in memory, every `--database-every`th in the table. Throws when one is not found.
 */
export async function run(args: string[]): Promise<AuditFigures> {
  const { values } = parseArgs({
    args,
    options: {
      tamperings: { type: 'string', default: '10000' },
      rows: { type: 'string', default: '400' },
      'database-every': { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  })
  const [tamperings, rows, every, seed] = [
    Number(values.tamperings),
    Number(values.rows),
    Number(values['database-every']),
    Number(values.seed),
  ]
  const random = seeded(seed)
  const on = await testRecords()
  try {
    let nowMs = 1_700_000_000_000
    const noted: ChainHead[] = []
    const audit = createAudit({
      records: on.records,
      clock: () => (nowMs += 1 + Math.floor(random() * 5000)),
      noted: () => noted,
    })
    for (let index = 0; index < rows; index++) {
      const head = await audit.append({
        who: ['ana', 'local', 'server'][index % 3] ?? 'ana',
        action: ['job.order', 'script.approve', 'command.send'][Math.floor(random() * 3)] ?? 'job.order',
        client: random() < 0.3 ? null : 'acme',
        subject: `s-${String(index)}`,
        detail: { index, list: [random(), { deep: random() < 0.5 }], text: 'x'.repeat(index % 7) },
      })
      // As the server notes it: some heads, and the last.
      if (random() < 0.05 || index === rows - 1) noted.push(head)
    }
    const chain = await readRows(on)
    const figures = { tamperings: 0, found: 0, inDatabase: 0, truncations: 0, falseAlarms: 0 }
    for (let count = 0; count < tamperings; count++) {
      const inTable = count % every === every - 1
      const { what, found } = inTable ? await inDatabase(on, audit, random) : inMemory(chain, noted, random)
      figures.tamperings += 1
      figures.inDatabase += inTable ? 1 : 0
      figures.truncations += what === 'truncate' ? 1 : 0
      figures.found += found ? 1 : 0
      if (!found) console.error(`not found: ${what}, number ${String(count)} of seed ${String(seed)}`)
      if (inTable && !(await audit.verify()).ok) figures.falseAlarms += 1
    }
    if (!judge(chain, noted)) figures.falseAlarms += 1
    return { ...figures, rows, seed }
  } finally {
    await on.close()
  }
}

type On = Awaited<ReturnType<typeof testRecords>>

function readRows(on: On): Promise<ChainRow[]> {
  return on.records.operator((db) =>
    db
      .selectFrom('audit')
      .selectAll()
      .select(sql<number>`(extract(microseconds from at)::bigint % 1000)::int`.as('micros'))
      .orderBy('audit_id')
      .execute(),
  )
}

/** Does the check hold these rows for a whole chain? */
function judge(rows: readonly ChainRow[], noted: readonly ChainHead[]): boolean {
  const check = createChainCheck({ anchors: noted })
  for (const row of rows) if (check.row(row)) return false
  return check.end().ok
}

function inMemory(chain: readonly ChainRow[], noted: readonly ChainHead[], random: () => number) {
  const { what, rows } = tamperRows(chain, random)
  return { what, found: !judge(rows, noted) }
}

/** Tampers in the table as its owner, verifies as the server does, and puts everything back. */
async function inDatabase(on: On, audit: ReturnType<typeof createAudit>, random: () => number) {
  return withClient(on.owner, async (client) => {
    await client.query('create temp table kept on commit preserve rows as select * from audit')
    const what = await tamperTable(client, random)
    const { ok } = await audit.verify()
    await client.query('delete from audit')
    await client.query('insert into audit overriding system value select * from kept')
    return { what, found: !ok }
  })
}
