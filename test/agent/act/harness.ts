import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  JobOutputs,
  JobResult,
  type JobOutput,
  type CommandOrder,
  type ScriptContent,
  type SealedSecret,
} from '../../../contract/command.ts'
import { createExecutor, type Executor } from '../../../agent/act/executor.ts'
import { createLog } from '../../../agent/log.ts'
import { openOutbox } from '../../../agent/outbox/outbox.ts'
import { agentPaths } from '../../../agent/paths.ts'
import { until } from '../stub-server.ts'
import { makeSigner, makeTrust, orderFor, script, sealOrder, sealScript } from './signing.ts'

const ann = makeSigner('ann')
const server = makeSigner('server')
const challenge = 'c'.repeat(43)
const address = { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }

/** An executor on a data directory of its own, with what it tells. */
export function createBench(dataDir = mkdtempSync(join(tmpdir(), 'vigia-act-'))) {
  writeFileSync(agentPaths(dataDir).trust, JSON.stringify(makeTrust([ann], [server])))
  const log = createLog({ level: 'error', now: () => 0, write: () => undefined })
  const outbox = openOutbox({ dir: agentPaths(dataDir).outbox, boot: '1'.padStart(16, '0'), log, syncMs: 1 })
  const output: (JobOutput & { atMs: number })[] = []
  const make = (): Executor =>
    createExecutor({
      dataDir,
      address,
      boot: '1'.padStart(16, '0'),
      outbox,
      log,
      now: Date.now,
      wake: () => undefined,
      async publishOutput(json) {
        const atMs = Date.now()
        output.push(...JobOutputs.parse(JSON.parse(json)).map((piece) => ({ ...piece, atMs })))
        return true
      },
    })
  const executor = make()
  const results = (job: string): JobResult[] =>
    outbox
      .next(outbox.start(), { records: 1000, bytes: 1e8 })
      .records.map(({ payload }) => JobResult.parse(JSON.parse(String(payload))))
      .filter((result) => result.job === job)
  const end = async (job: string, timeoutMs = 25_000): Promise<JobResult> => {
    await until('the job ends', () => results(job).some(({ outcome }) => outcome !== 'started'), timeoutMs)
    return results(job).find(({ outcome }) => outcome !== 'started')!
  }
  const start = (
    body: string,
    more: Partial<ScriptContent> = {},
    order: Partial<CommandOrder> = {},
    secrets?: Record<string, SealedSecret>,
  ): string => {
    const sealed = sealScript(script(body, more), [ann])
    const made = orderFor(sealed, order)
    executor.command(
      { type: 'command', order: sealOrder(made, [server]), script: sealed, ...(secrets && { secrets }) },
      { challenge, hellos: () => [] },
    )
    return made.job
  }
  return {
    dataDir,
    executor,
    output,
    start,
    end,
    results,
    another: make,
    run: (...order: Parameters<typeof start>) => end(start(...order)),
    async close() {
      await executor.stop()
      await outbox.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
export type Bench = ReturnType<typeof createBench>

/** The processes whose numbers a script wrote into a file, one a line. */
export function pidsIn(file: string): number[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []
}

/** Is it there and no zombie? */
export function lives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false
  }
}
