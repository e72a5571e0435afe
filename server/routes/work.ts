import { Readable } from 'node:stream'
import type { RunResult } from '../../contract/run.ts'
import type { WORK_ROUTES } from '../../contract/routes/work.ts'
import type { Handlers } from '../http/handler.ts'
import type { Parts } from '../wiring/parts.ts'
import { knowledgeRoutes } from './knowledge.ts'
import { ordererOf } from '../wiring/work.ts'
import { csvHead, csvRow } from '../run/results.ts'

/** Routes of scripts, jobs, runs, views, secrets and knowledge. */
export function workRoutes(parts: Parts): Pick<Handlers, keyof typeof WORK_ROUTES> {
  const { audit, remediation, runs, scripts, secrets, views } = parts
  return {
    scripts: async () => ({ scripts: await scripts.list() }),
    script: ({ params }) => scripts.get(params.name),
    async addScript({ body, whoName }) {
      const stored = await scripts.add(body)
      await audit.append({
        who: whoName,
        action: 'script.approve',
        client: null,
        subject: stored.digest,
        detail: {
          name: stored.name,
          version: stored.version,
          keys: body.signatures.map(({ keyid }) => keyid),
        },
      })
      return stored
    },

    createJob: ({ body, who }) => remediation.createJob(body, ordererOf(who)),
    job: ({ params }) => remediation.job(params.id),
    jobs: async ({ query }) => ({ jobs: await remediation.jobs(query) }),
    cancelJob: ({ params, who }) => remediation.cancelJob(params.id, ordererOf(who)),

    planRun: ({ body, who }) => runs.plan(body, ordererOf(who)),
    createRun: ({ body, who }) => runs.create(body, ordererOf(who)),
    runs: async ({ query }) => ({ runs: await runs.list(query) }),
    run: ({ params }) => runs.get(params.id),
    cancelRun: ({ params, who }) => runs.cancel(params.id, ordererOf(who)),
    rerunFailed: ({ params, who }) => runs.rerunFailed(params.id, ordererOf(who)),
    async runResults({ params, query, reply }) {
      const run = await runs.get(params.id)
      const pages = (): AsyncGenerator<RunResult[]> => runs.results(params.id)
      if (query.format === 'csv') {
        const fields = await fieldsOf(pages())
        reply.header('content-disposition', `attachment; filename="run-${run.id}.csv"`)
        await reply.type('text/csv; charset=utf-8').send(Readable.from(csvOf(pages(), fields)))
      } else await reply.type('application/json; charset=utf-8').send(Readable.from(jsonOf(pages())))
      // It is on its way already.
      return { results: [] }
    },

    views: async ({ whoName }) => ({ views: await views.list(whoName) }),
    viewDevices: async ({ params, whoName }) => ({ devices: await views.devices(params.id, whoName) }),
    // What a view chooses decides where later orders run.
    async saveView({ body, whoName }) {
      const view = await views.save(body, whoName)
      const { id: subject, name, client, selector, shared } = view
      const deed = { who: whoName, action: 'view.save', client, subject }
      await audit.append({ ...deed, detail: { name, selector, shared } })
      return view
    },
    async removeView({ params: { id }, who, whoName }) {
      await views.remove(id, whoName, who?.role === 'local' || who?.role === 'owner')
      await audit.append({ who: whoName, action: 'view.remove', client: null, subject: id })
      return { ok: true }
    },

    secrets: async () => ({ secrets: await secrets.list() }),
    setSecret: ({ body, whoName }) =>
      secrets.set(body, whoName, async (db) => {
        const { name, client } = body
        await audit.appendIn(db, { who: whoName, action: 'secret.set', client, subject: name })
      }),
    async removeSecret({ params: { name }, query, whoName }) {
      const client = query.client ?? null
      await secrets.remove({ name, client }, async (db) => {
        await audit.appendIn(db, { who: whoName, action: 'secret.remove', client, subject: name })
      })
      return { ok: true }
    },

    ...knowledgeRoutes(parts),
  }
}

/** Names of the fields that any device told, for the head of the table. */
async function fieldsOf(pages: AsyncIterable<RunResult[]>): Promise<string[]> {
  const names = new Set<string>()
  for await (const page of pages)
    for (const { fields } of page) for (const name of Object.keys(fields)) names.add(name)
  return [...names].sort()
}

async function* csvOf(pages: AsyncIterable<RunResult[]>, fields: readonly string[]): AsyncGenerator<string> {
  yield csvHead(fields)
  for await (const page of pages) yield page.map((row) => csvRow(row, fields)).join('')
}

/** The answer as JSON, a page at a time. */
async function* jsonOf(pages: AsyncIterable<RunResult[]>): AsyncGenerator<string> {
  let lead = '{"results":['
  for await (const page of pages) {
    yield lead + page.map((row) => JSON.stringify(row)).join(',')
    lead = ','
  }
  yield lead === ',' ? ']}' : `${lead}]}`
}
