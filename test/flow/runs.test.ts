import { createHash } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enrolDevice } from '../../agent/enrol.ts'
import type { RunResult, RunView } from '../../contract/run.ts'
import { startAgentProcess } from '../agent/agent-process.ts'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'
import { ROOT } from '../support/sources.ts'

/** Runs over two real agents of a whole installation: the one of this machine, and one that comes and goes. */
let vigia: Installation
let folder: string
let local: string
let second: string
let agent: ReturnType<typeof startAgentProcess> | undefined

const at = (name: string): string => join(folder, name)

function done(...args: string[]): string {
  const run = vigia.vigia(...args)
  expect(run.code, `${args.join(' ')}\n${run.stderr}`).toBe(0)
  return run.stdout
}

function approve(name: string, body: string, about = ''): void {
  writeFileSync(at(`${name}.sh`), body)
  if (about !== '') writeFileSync(at(`${name}.yaml`), about)
  done('approve', at(about === '' ? `${name}.sh` : `${name}.yaml`), '--yes')
}

function order(script: string, ...more: string[]): RunView {
  const args = ['run', script, '--device', local, '--device', second, '--yes', '--json', ...more]
  return JSON.parse(done(...args)) as RunView
}

const run = (id: string): Promise<RunView> => vigia.server.call('run', { params: { id } })
const results = async (id: string): Promise<RunResult[]> =>
  (await vigia.server.call('runResults', { params: { id }, query: {} })).results
const ended = (id: string, limitMs = 60_000): Promise<RunView> =>
  eventually(`the end of run ${id}`, limitMs, async () => {
    const now = await run(id)
    return now.state !== 'running' && now
  })

async function isOnline(device: string): Promise<boolean> {
  return (await vigia.server.call('device', { params: { device } })).device.online
}

async function startSecond(): Promise<void> {
  agent = startAgentProcess(at('second'))
  await eventually('the second agent', 60_000, () => isOnline(second))
}

async function stopSecond(): Promise<void> {
  agent?.child.kill('SIGTERM')
  await agent?.exited
  agent = undefined
  await eventually('the second agent is away', 30_000, async () => !(await isOnline(second)))
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-runs-'))
  vigia = await createInstallation()
  await vigia.start()
  local = await eventually('the local agent', 60_000, async () => {
    const { devices } = await vigia.server.call('devices', { query: {} })
    return devices.find(({ online }) => online)?.id
  })
  const { token } = await vigia.server.call('createEnrolToken', { body: { client: 'demo' } })
  const options = { serverUrl: vigia.url, token, dataDir: at('second'), machineId: null }
  second = (await enrolDevice({ ...options, hostname: 'second' })).device
}, 180_000)
afterAll(async () => {
  agent?.child.kill('SIGTERM')
  await agent?.exited
  await vigia.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 60_000)

describe('a run over real agents', () => {
  it('shows its plan, reaches who is there, waits for who is away, and ends when they came', async () => {
    approve('hello', 'echo "VIGIA_FIELD who=$(hostname)"\necho hello\n')
    const plan = done('run', 'hello', '--where', 'device.os == "linux"', '--plan')
    expect(plan).toContain('reaches 2 devices of 1 client, of which 1 is not connected')
    const unasked = vigia.vigia('run', 'hello', '--device', local, '--device', second)
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining('--yes')])

    const ordered = order('hello', '--reason', 'a test')
    expect(ordered).toMatchObject({ state: 'running', devices: 2, waves: [1, 2] })
    const waiting = await eventually('the first end', 60_000, async () => {
      const now = await run(ordered.id)
      return now.counts['succeeded'] === 1 && now
    })
    expect(waiting).toMatchObject({ state: 'running', counts: { succeeded: 1, waiting: 1 } })
    await startSecond()
    expect(await ended(ordered.id)).toMatchObject({ state: 'done', counts: { succeeded: 2 } })
    const csv = done('runs', 'results', ordered.id, '--csv').trim().split('\r\n')
    expect(csv[0]).toBe('device,client,hostname,wave,job,state,reason,exit_code,took_ms,who')
    expect(csv).toHaveLength(3)
    expect(done('jobs', '--find', 'hello', '--run', ordered.id)).toContain('«hello»')
    expect(done('runs', 'results', ordered.id, '--by', 'exit')).toMatch(/^0\s+2\s/m)
    const follow = vigia.vigia('run', 'hello', '--device', second, '--follow', '--reason', 'a look', '--json')
    const { id: job } = JSON.parse(follow.stdout) as { id: string }
    expect([follow.code, follow.stdout]).toEqual([0, expect.stringContaining('hello\\n')])
    const late = vigia.vigia('job', job, '--follow')
    expect([late.code, late.stdout]).toEqual([0, expect.stringMatching(/hello\n[^]*succeeded, exit code 0/)])
    const { script } = await vigia.server.call('script', { params: { name: 'hello' } })
    expect(done('scripts', 'show', script.digest.slice(0, 12))).toContain('echo hello')
    expect(vigia.vigia('approve', script.digest.slice(0, 12), '--yes')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(`vigia scripts show ${script.digest.slice(0, 12)}`) as unknown,
    })
    const deeds = JSON.parse(done('audit', 'list', '--subject', job, '--json')) as unknown[]
    expect(deeds).toMatchObject([
      { action: 'job.end', detail: { device: second, state: 'succeeded', exitCode: 0 } },
      { action: 'command.send', who: 'server', detail: { job } },
      { action: 'job.order', who: 'local', detail: { device: second, reason: 'a look' } },
    ])
    done('views', 'save', 'all-linux', '--where', 'device.os == "linux"')
    expect(done('run', 'hello', '--view', 'all-linux', '--plan')).toContain('reaches 2 devices')
    expect(done('audit', 'list', '--action', 'view')).toContain('view.save')
  }, 180_000)

  it('stops at the first device that fails, and reaches no other', async () => {
    approve('fail', `echo x >> ${at('failed')}\nexit 7\n`)
    const { id } = order('fail')
    expect(await ended(id)).toMatchObject({ state: 'stopped', counts: { failed: 1, 'left-out': 1 } })
    expect(readFileSync(at('failed'), 'utf8')).toBe('x\n')
    expect(done('runs', 'show', id)).toContain('1 of 1 failed')
    expect(done('runs', 'results', id, '--failed')).toContain('exit code 7')
  }, 120_000)

  it('is cancelled: the processes on the device end, and nobody else is reached', async () => {
    approve('long', `sleep 300 &\necho $! > ${at('child')}\nwait\n`)
    const { id } = order('long')
    const child = await eventually('the script', 60_000, async () => {
      const text = existsSync(at('child')) ? readFileSync(at('child'), 'utf8').trim() : ''
      return text !== '' && Number(text)
    })
    expect(lives(child)).toBe(true)
    done('runs', 'cancel', id)
    await eventually('the end of its processes', 30_000, async () => !lives(child))
    await eventually('the end of the job', 30_000, async () => (await run(id)).counts['cancelled'] === 1)
    expect(await run(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 1, 'left-out': 1 } })
  }, 120_000)

  it('goes on after kill -9 of the server, and runs on no device twice', async () => {
    approve('slow', `echo "$VIGIA_JOB" >> ${at('slow')}\nsleep 4\n`)
    const { id } = order('slow')
    await eventually('the first start', 60_000, async () => existsSync(at('slow')))
    await vigia.stop('SIGKILL')
    await vigia.start()
    await eventually('both agents', 90_000, async () => (await isOnline(local)) && (await isOnline(second)))
    expect(await ended(id, 180_000)).toMatchObject({ state: 'done' })
    // Which device comes first is chance. The agent of this machine ends with the server, and its job with it.
    for (const { device, state, reason } of await results(id))
      if (device !== local || state !== 'cancelled') expect([device, state]).toEqual([device, 'succeeded'])
      else expect(reason).toBe('the agent was stopped')
    const started = readFileSync(at('slow'), 'utf8').trim().split('\n')
    expect([started.length, new Set(started).size]).toEqual([2, 2])
    expect(await vigia.server.call('verifyAudit', { query: {} })).toMatchObject({ ok: true })
  }, 300_000)

  it('hands a secret to the script and shows it nowhere', async () => {
    const value = 'correct horse battery staple'
    const set = spawnSync(
      process.execPath,
      [join(ROOT, 'bin/vigia.js'), 'secret', 'set', 'vpn', '--server', vigia.url],
      { env: vigia.env, input: `${value}\n`, encoding: 'utf8' },
    )
    expect(set.status, set.stderr).toBe(0)
    const about = [
      'name: use-secret',
      'version: 1',
      'title: Uses a secret',
      'description: Prints the hash of a secret.',
      'interpreter: sh',
      'systems: [linux]',
      'parameters:',
      '  key: { type: secret, help: which }',
      'timeoutS: 30',
      'idempotent: true',
      'changes: nothing',
      'successCodes: [0]',
    ]
    const body = 'printf %s "$VIGIA_SECRET_KEY" | sha256sum\necho "it is $VIGIA_SECRET_KEY"\n'
    approve('use-secret', body, `${about.join('\n')}\n`)
    const ran = vigia.vigia('run', 'use-secret', '--device', second, '--param', 'key=vpn', '--follow')
    expect([ran.code, ran.stderr]).toEqual([0, expect.not.stringContaining(value)])
    expect(ran.stdout).toContain(createHash('sha256').update(value).digest('hex'))
    expect(ran.stdout).toContain('it is ******')
    expect(ran.stdout).not.toContain(value)
    const missing = vigia.vigia('run', 'use-secret', '--device', second, '--param', 'key=none')
    expect(missing.stderr).toMatch(/^SECRET_MISSING/)
    // The same as a flag; one that the script does not have is refused like any other parameter.
    const flag = vigia.vigia('run', 'use-secret', '--device', second, '--key', 'vpn', '--follow')
    expect(flag.stdout).toContain('it is ******')
    const typo = vigia.vigia('run', 'use-secret', '--device', second, '--key', 'vpn', '--folow')
    expect([typo.code, typo.stderr]).toEqual([2, expect.stringContaining('folow is no parameter')])
    const wrong = vigia.vigia('run', 'use-secret', '--device', second, '--param', 'kay=vpn')
    expect(wrong.stderr).toMatch(/^COMMAND_MALFORMED: .*kay.*key/s)
    expect(done('secret', 'list')).not.toContain(value)
    expect(vigia.output()).not.toContain(value)
    await stopSecond()
  }, 120_000)
})

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // It is gone.
    return false
  }
}
