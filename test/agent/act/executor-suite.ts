import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import {
  JobOutputs,
  JobResult,
  type JobOutput,
  type CommandOrder,
  type ScriptContent,
} from '../../../contract/command.ts'
import { createExecutor, type Executor } from '../../../agent/act/executor.ts'
import { createLog } from '../../../agent/log.ts'
import { openOutbox } from '../../../agent/outbox/outbox.ts'
import type { Outbox } from '../../../agent/outbox/shape.ts'
import { agentPaths } from '../../../agent/paths.ts'
import { until } from '../stub-server.ts'
import { makeSigner, makeTrust, orderFor, script, sealOrder, sealScript } from './signing.ts'

export const ann = makeSigner('ann')
export const server = makeSigner('server')
export const challenge = 'c'.repeat(43)
export const session = { challenge, hellos: () => [] }
const address = { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }
const lines: string[] = []
const log = createLog({ level: 'debug', now: () => 0, write: (line) => void lines.push(line) })

/** A suite with an executor on a data directory of its own for each test. */
export function executorSuite() {
  let dataDir = ''
  let outbox: Outbox
  let executor: Executor
  let output: JobOutput[] = []
  let boots = 0

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'vigia-act-'))
    writeFileSync(agentPaths(dataDir).trust, JSON.stringify(makeTrust([ann], [server])))
    lines.length = 0
    output = []
    begin()
  })
  afterEach(async () => {
    await executor.stop()
    await outbox.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  function begin(publishOutput?: (json: string) => Promise<boolean>): void {
    boots += 1
    const boot = boots.toString(16).padStart(16, '0')
    outbox = openOutbox({ dir: agentPaths(dataDir).outbox, boot, log, syncMs: 1 })
    executor = createExecutor({
      dataDir,
      address,
      boot,
      outbox,
      log,
      now: Date.now,
      wake: () => undefined,
      publishOutput:
        publishOutput ??
        (async (json) => {
          output.push(...JobOutputs.parse(JSON.parse(json)))
          return true
        }),
    })
  }

  function command(body: string, more: Partial<ScriptContent> = {}, order: Partial<CommandOrder> = {}) {
    const sealed = sealScript(script(body, more), [ann])
    const made = orderFor(sealed, order)
    return {
      job: made.job,
      message: { type: 'command' as const, order: sealOrder(made, [server]), script: sealed },
    }
  }

  function results(job?: string): JobResult[] {
    const { records } = outbox.next(outbox.start(), { records: 1000, bytes: 1e8 })
    return records
      .map(({ payload }) => JobResult.parse(JSON.parse(String(payload))))
      .filter((result) => job === undefined || result.job === job)
  }

  async function run(body: string, more: Partial<ScriptContent> = {}, order: Partial<CommandOrder> = {}) {
    const { job, message } = command(body, more, order)
    executor.command(message, session)
    return end(job)
  }

  async function end(job: string, timeoutMs = 15_000): Promise<JobResult> {
    await until('the job ends', () => results(job).some(({ outcome }) => outcome !== 'started'), timeoutMs)
    return results(job).find(({ outcome }) => outcome !== 'started')!
  }

  return {
    dataDir: () => dataDir,
    outbox: () => outbox,
    executor: () => executor,
    output: () => output,
    ...{ begin, command, results, run, end },
  }
}
