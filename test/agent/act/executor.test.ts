import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  JobOutputs,
  JobResult,
  type JobOutput,
  type CommandOrder,
  type ScriptContent,
} from '../../../contract/command.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { createExecutor, type Executor } from '../../../agent/act/executor.ts'
import { startTicksOf } from '../../../agent/act/ledger.ts'
import { createLog } from '../../../agent/log.ts'
import { openOutbox } from '../../../agent/outbox/outbox.ts'
import type { Outbox } from '../../../agent/outbox/shape.ts'
import { agentPaths } from '../../../agent/paths.ts'
import { until } from '../stub-server.ts'
import { makeSigner, makeTrust, orderFor, script, sealOrder, sealScript } from './signing.ts'

const ann = makeSigner('ann')
const server = makeSigner('server')
const challenge = 'c'.repeat(43)
const address = { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }
const lines: string[] = []
const log = createLog({ level: 'debug', now: () => 0, write: (line) => void lines.push(line) })

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
  executor.command(message, challenge)
  return end(job)
}

async function end(job: string, timeoutMs = 15_000): Promise<JobResult> {
  await until('the job ends', () => results(job).some(({ outcome }) => outcome !== 'started'), timeoutMs)
  return results(job).find(({ outcome }) => outcome !== 'started')!
}

describe('executor', () => {
  it('runs a signed script with its parameters as environment, streams its output and reports its end', async () => {
    const result = await run(
      'echo "hello $VIGIA_PARAM_WHO"; echo "VIGIA_FIELD freed_bytes=42"; echo bad >&2; echo "$VIGIA_AGENT_DATA"; ls; exit 3',
      { parameters: { who: { type: 'string', pattern: '.*', maxLength: 99, help: '' } } },
      { parameters: { who: '$(touch pwned); `touch pwned` "é' } },
    )
    expect(result).toMatchObject({
      outcome: 'exited',
      exitCode: 3,
      fields: { freed_bytes: '42' },
      stderr: 'bad\n',
    })
    expect(result.stdout).toBe(
      `hello $(touch pwned); \`touch pwned\` "é\nVIGIA_FIELD freed_bytes=42\n${dataDir}\nscript.sh\n`,
    )
    const all = results(result.job)
    expect(all.map(({ outcome }) => outcome)).toEqual(['started', 'exited'])
    const live = output.filter(({ stream }) => stream === 'stdout')
    expect(live.map(({ text }) => text).join('')).toBe(result.stdout)
    const { jobs } = agentPaths(dataDir)
    await until('only the ledger is left', () => readdirSync(jobs).join() === `${result.job}.json`)
  })

  it('gives a script a clean environment of its own', async () => {
    process.env['SECRET_OF_THE_AGENT'] = 'x'
    const result = await run('env | cut -d= -f1 | sort | tr "\\n" " "')
    delete process.env['SECRET_OF_THE_AGENT']
    expect(
      result.stdout.split(' ').filter((name) => !['', 'PWD', '_', 'SHLVL', 'OLDPWD'].includes(name)),
    ).toEqual(['HOME', 'LANG', 'PATH', 'VIGIA_AGENT_DATA', 'VIGIA_JOB', 'VIGIA_NODE'])
  })

  it.each(['bash', 'python3', 'node'] as const)('runs %s', async (interpreter) => {
    const body = { bash: '[[ 1 ]] && echo ok', python3: 'print("ok")', node: 'console.log("ok")' }[
      interpreter
    ]
    expect(await run(body, { interpreter })).toMatchObject({ exitCode: 0, stdout: 'ok\n' })
  })

  it('refuses, says why, and runs nothing', async () => {
    const mark = join(dataDir, 'ran')
    const body = `touch ${mark}`
    const eve = makeSigner('eve')
    const good = command(body)
    const sealed = sealScript(script(body), [ann])
    const cases: [string, Partial<CommandOrder>, typeof server, typeof ann][] = [
      ['COMMAND_FORGED', {}, eve, ann],
      ['COMMAND_UNAPPROVED', {}, server, eve],
      ['COMMAND_RETARGETED', { device: 'd-bbbbbbbbbbbbbbbb' }, server, ann],
      ['COMMAND_REPLAYED', { challenge: 'x'.repeat(43) }, server, ann],
      ['COMMAND_EXPIRED', { expiresAtMs: 1 }, server, ann],
      ['COMMAND_MALFORMED', { parameters: { x: 1 } }, server, ann],
    ]
    for (const [code, change, orderer, approver] of cases) {
      const by = sealScript(script(body), [approver])
      const order = orderFor(by, change)
      executor.command({ type: 'command', order: sealOrder(order, [orderer]), script: by }, challenge)
      expect([code, await end(order.job)]).toMatchObject([code, { outcome: 'refused', code }])
    }
    const over = sealScript(script(body, { approvedUntilMs: Date.now() - 1000 }), [ann])
    const late = orderFor(over)
    executor.command({ type: 'command', order: sealOrder(late, [server]), script: over }, challenge)
    expect(await end(late.job)).toMatchObject({ outcome: 'refused', code: 'APPROVAL_EXPIRED' })
    writeFileSync(agentPaths(dataDir).killSwitch, '')
    executor.command(good.message, challenge)
    expect(await end(good.job)).toMatchObject({ outcome: 'refused', code: 'COMMAND_DISABLED' })
    expect(existsSync(mark)).toBe(false)
    expect(sealed.signatures).toHaveLength(1)
    expect(executor.sequence()).toBe(0)
  }, 40_000)

  it('never runs a job twice: the same command again, also after a restart of the agent', async () => {
    const mark = join(dataDir, 'runs')
    const { job, message } = command(`echo run >> ${mark}`)
    executor.command(message, challenge)
    executor.command(message, challenge)
    await until('two ends', () => results(job).length === 3)
    expect(results(job).map(({ outcome, code }) => code ?? outcome)).toEqual([
      'started',
      'exited',
      'COMMAND_REPLAYED',
    ])
    await executor.stop()
    await outbox.close()
    begin()
    expect(executor.sequence()).toBeGreaterThan(0)
    executor.command(message, challenge)
    await until('refused', () => results(job).length === 4)
    expect(results(job).at(-1)).toMatchObject({ outcome: 'refused', code: 'COMMAND_REPLAYED' })
    expect(readFileSync(mark, 'utf8')).toBe('run\n')
  })

  it('ends the whole tree when the time is up, also what ignores SIGTERM or left the group', async () => {
    const pids = join(dataDir, 'pids')
    const result = await run(
      `(trap '' TERM; echo $$ >> ${pids}; sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 0.1; done') &
       setsid sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 0.1; done' &
       echo $$ >> ${pids}; echo before; wait`,
      { timeoutS: 1 },
    )
    expect(result).toMatchObject({ outcome: 'timeout', code: 'SCRIPT_TIMEOUT', stdout: 'before\n' })
    const all = readFileSync(pids, 'utf8').trim().split('\n').map(Number)
    expect(all.length).toBeGreaterThanOrEqual(4)
    await until(
      'all gone',
      () => all.every((pid) => !existsSync(`/proc/${String(pid)}`) || isZombie(pid)),
      3000,
    )
  })

  it('cancels a job at the word of the server', async () => {
    const { job, message } = command('echo here; sleep 60')
    executor.command(message, challenge)
    await until('it runs', () => output.some(({ text }) => text === 'here\n'))
    executor.cancel(job)
    expect(await end(job)).toMatchObject({ outcome: 'cancelled', message: 'cancelled by the server' })
  })

  it('200 MB of output: bounded in the result and live, and the agent does not grow', async () => {
    const before = process.memoryUsage().rss
    const result = await run(
      'yes 0123456789abcde | head -c 209715200; echo; echo VIGIA_FIELD done=yes; echo the end',
    )
    expect(result.stdoutBytes).toBe(209_715_200 + 1 + 'VIGIA_FIELD done=yes\nthe end\n'.length)
    expect(result.stdout.endsWith('the end\n')).toBe(true)
    expect(result.stdout).toContain('bytes left out')
    expect(result.fields).toEqual({ done: 'yes' })
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(LIMITS.packetBytes)
    expect(output.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(5_000_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
  }, 40_000)

  it('output of control characters still fits into one packet', async () => {
    const result = await run(`head -c 300000 /dev/zero | tr '\\0' '\\001'`)
    expect(result.stdoutBytes).toBe(300_000)
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(LIMITS.packetBytes)
  })

  it('a daemon that a script leaves behind holds nothing up', async () => {
    const pidFile = join(dataDir, 'pid')
    const result = await run(`setsid sleep 30 & echo $! > ${pidFile}; echo started`)
    expect(result).toMatchObject({ outcome: 'exited', exitCode: 0, stdout: 'started\n' })
    expect(result.durationMs).toBeLessThan(5000)
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL')
  })

  it('a job whose runner was killed is unknown and never runs again', async () => {
    const mark = join(dataDir, 'runs')
    const { job, message } = command(`echo run >> ${mark}; sleep 60`)
    executor.command(message, challenge)
    await until('it runs', () => existsSync(mark))
    const entry = JSON.parse(readFileSync(join(agentPaths(dataDir).jobs, `${job}.json`), 'utf8')) as {
      pid: number
    }
    process.kill(entry.pid, 'SIGKILL')
    expect(await end(job)).toMatchObject({ outcome: 'unknown', code: 'JOB_UNKNOWN' })
    executor.command(message, challenge)
    await until('refused', () => results(job).length === 3)
    expect(readFileSync(mark, 'utf8')).toBe('run\n')
  })

  it('after a crash between start and end the next start reports unknown, once', async () => {
    const job = crypto.randomUUID()
    const { jobs } = agentPaths(dataDir)
    const entry = {
      job,
      sequence: 9000,
      scriptDigest: '',
      startedAtMs: 1,
      pid: 0,
      startTicks: '',
      finished: false,
    }
    mkdirSync(jobs, { recursive: true })
    writeFileSync(join(jobs, `${job}.json`), JSON.stringify(entry))
    const torn = crypto.randomUUID()
    writeFileSync(join(jobs, `${torn}.json`), '{"job":')
    executor.recover()
    expect(await end(job)).toMatchObject({ outcome: 'unknown', code: 'JOB_UNKNOWN' })
    expect(await end(torn)).toMatchObject({ outcome: 'unknown' })
    await until(
      'noted',
      () => (JSON.parse(readFileSync(join(jobs, `${job}.json`), 'utf8')) as typeof entry).finished,
    )
    await until('noted too', () =>
      readFileSync(join(jobs, `${torn}.json`), 'utf8').includes('"finished":true'),
    )
    executor.recover()
    expect(results()).toHaveLength(2)
  })

  it('a runner outlives a killed agent: the next start takes its end', async () => {
    const job = crypto.randomUUID()
    const { jobs } = agentPaths(dataDir)
    mkdirSync(jobs, { recursive: true })
    const stand = spawn('sleep', ['60'], { stdio: 'ignore' })
    const entry = {
      job,
      sequence: 9001,
      scriptDigest: '',
      startedAtMs: 1,
      pid: stand.pid,
      startTicks: startTicksOf(stand.pid!),
      finished: false,
    }
    writeFileSync(join(jobs, `${job}.json`), JSON.stringify(entry))
    executor.recover()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(results(job)).toEqual([])
    const done = { ...(await run('echo x')), job, outcome: 'exited', stdout: 'late\n' }
    writeFileSync(join(jobs, `${job}.end`), JSON.stringify(done))
    stand.kill('SIGKILL')
    expect(await end(job)).toMatchObject({ outcome: 'exited', stdout: 'late\n' })
  })

  it('a stopping agent ends its jobs and has their ends in the outbox', async () => {
    const { job, message } = command('sleep 60')
    executor.command(message, challenge)
    await until('it runs', () => results(job).length === 1)
    await executor.stop()
    expect(results(job).at(-1)).toMatchObject({ outcome: 'cancelled', message: 'the agent was stopped' })
  })

  it('a server that takes no live output slows no script down', async () => {
    await executor.stop()
    await outbox.close()
    begin(() => new Promise(() => undefined))
    const result = await run(
      'i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done',
    )
    expect(result).toMatchObject({ outcome: 'exited', stdoutBytes: 123_000 })
  })
})

function isZombie(pid: number): boolean {
  try {
    return (
      readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
        .split(') ')[1]
        ?.startsWith('Z') ?? true
    )
  } catch {
    return true
  }
}
