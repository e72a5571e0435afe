import { VigiaError } from '../contract/errors.ts'
import type { WORK_ROUTES } from '../contract/work-routes.ts'
import type { Handlers } from './http/handler.ts'
import type { Parts } from './parts.ts'

const soon = (): never => {
  throw new VigiaError('INTERNAL', 'This part is being built.')
}

/** Routes of scripts, jobs, runs, secrets and knowledge. */
export function workRoutes(parts: Parts): Pick<Handlers, keyof typeof WORK_ROUTES> {
  const { audit, remediation, scripts } = parts
  return {
    scripts: async () => ({ scripts: await scripts.list() }),
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
    async createJob({ body, whoName }) {
      const job = await remediation.createJob(body, whoName)
      await audit.append({
        who: whoName,
        action: 'job.order',
        client: job.client,
        subject: job.id,
        detail: { device: job.device, script: job.scriptDigest, parameters: job.parameters },
      })
      return job
    },
    job: ({ params }) => remediation.job(params.id),
    async cancelJob({ params, whoName }) {
      const job = await remediation.cancelJob(params.id, whoName)
      await audit.append({ who: whoName, action: 'job.cancel', client: job.client, subject: job.id })
      return job
    },
    script: soon,
    jobs: soon,
    planRun: soon,
    createRun: soon,
    runs: soon,
    run: soon,
    runResults: soon,
    cancelRun: soon,
    rerunFailed: soon,
    views: soon,
    saveView: soon,
    removeView: soon,
    secrets: soon,
    setSecret: soon,
    removeSecret: soon,
    articles: soon,
    article: soon,
    saveArticle: soon,
    removeArticle: soon,
  }
}
