import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agentPaths } from '../../agent/paths.ts'
import { enrolDevice } from '../../agent/enrol.ts'
import type { TrustRoot } from '../../contract/trust/root.ts'
import type { JobView } from '../../contract/incident.ts'
import { startAgentProcess } from '../agent/agent-process.ts'
import { enrolStolen, readStolen, type Stolen } from '../faults/attacker.ts'
import { createInstallation, eventually, type CliRun, type Installation } from '../support/installation.ts'
import { ROOT } from '../support/sources.ts'

const BIN = join(ROOT, 'bin/vigia.js')
let vigia: Installation
let folder: string
/** This machine's own agent, which runs all the time. */
let local: Stolen
/** A device that was enrolled under the first root and was off since. */
let sleeper: Stolen
/** A token that was made under the first root. */
let oldToken: string

const at = (name: string): string => join(folder, name)

/** `vigia ARGS` as one person, with a key store of their own; `server` may keep them from it. */
function as(person: string, ...args: string[]): CliRun {
  const run = spawnSync(process.execPath, [BIN, ...args, '--server', vigia.url], {
    ...{ encoding: 'utf8', cwd: folder, timeout: 60_000 },
    env: { ...vigia.env, VIGIA_KEYS: at(`keys-${person}`) },
  })
  return { code: run.status ?? -1, stdout: run.stdout, stderr: run.stderr }
}
function done(run: CliRun): string {
  expect(run.code, run.stderr).toBe(0)
  return run.stdout
}
const publicKey = (person: string): string => {
  const file = at(`${person}.pub.json`)
  writeFileSync(file, done(as(person, 'keys', 'show', person)))
  return file
}
const versionOf = (dataDir: string): number =>
  (JSON.parse(readFileSync(agentPaths(dataDir).trust, 'utf8')) as TrustRoot).version

async function order(script: string): Promise<JobView> {
  const body = { device: local.device, script, parameters: {} }
  const job = await vigia.server.call('createJob', { body })
  return eventually(`the end of ${script}`, 30_000, async () => {
    const now = await vigia.server.call('job', { params: { id: job.id } })
    return !['pending', 'sent', 'running'].includes(now.state) && now
  })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-trust-flow-'))
  vigia = await createInstallation()
  for (const person of ['ana', 'luis', 'eva', 'tina']) done(as(person, 'keys', 'create', person))
  mkdirSync(vigia.dataDir, { mode: 0o755 })
  const approvers = ['ana', 'luis'].map((person) => readFileSync(publicKey(person), 'utf8').trim())
  writeFileSync(
    join(vigia.dataDir, 'vigia.yaml'),
    `trust:\n  approvers:\n${approvers.map((key) => `    - ${key}\n`).join('')}`,
  )
  await vigia.start()
  local = await eventually('the local agent is enrolled', 60_000, async () =>
    readStolen(join(vigia.dataDir, 'agent')),
  )
  sleeper = await enrolStolen(vigia, 'demo', folder)
  oldToken = (await vigia.server.call('createEnrolToken', { body: { client: 'demo' } })).token
  await eventually('the local agent', 60_000, async () => {
    const { device } = await vigia.server.call('device', { params: { device: local.device } })
    return device.online
  })
}, 180_000)
afterAll(async () => {
  await vigia.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 60_000)

describe('approval by two', () => {
  it('what may run anywhere takes two, offline, and then runs; what names this device takes one', async () => {
    expect((await vigia.server.call('trust')).root.approvers).toMatchObject({
      threshold: 1,
      fleetThreshold: 2,
    })
    writeFileSync(at('hello.sh'), 'echo hello\n')
    // Parameters in an order that the records do not keep: the next approver signs the same bytes all the same.
    const about = [
      ...['name: hello', 'version: 1', 'title: Hello', 'description: Says it.', 'interpreter: sh'],
      ...['systems: [linux]', 'timeoutS: 30', 'idempotent: true', 'changes: nothing', 'successCodes: [0]'],
      ...['parameters:', '  way: { type: choice, choices: [b, a], default: a, help: How }'],
      '  by: { type: boolean, default: false, help: By }',
    ]
    writeFileSync(at('hello.yaml'), `${about.join('\n')}\n`)
    done(as('ana', 'approve', 'hello.yaml', '--key', 'ana', '--yes'))
    await expect(order('hello')).rejects.toMatchObject({ code: 'COMMAND_UNAPPROVED' })
    const [waiting] = (await vigia.server.call('scripts')).scripts.filter(
      ({ content }) => content.name === 'hello',
    )
    expect(waiting).toMatchObject({ lacking: 1, anywhere: false, approvedBy: ['ana'] })
    done(as('luis', 'approve', waiting!.digest, '--key', 'luis', '--yes'))
    expect(await order('hello')).toMatchObject({ state: 'succeeded', stdout: 'hello\n' })

    writeFileSync(at('here.sh'), 'echo here\n')
    done(as('ana', 'approve', 'here.sh', '--key', 'ana', '--device', local.device, '--yes'))
    expect(await order('here')).toMatchObject({ state: 'succeeded', stdout: 'here\n' })
    const elsewhere = { device: sleeper.device, script: 'here', parameters: {} }
    await expect(vigia.server.call('createJob', { body: elsewhere })).rejects.toMatchObject({
      code: 'COMMAND_UNAPPROVED',
    })

    writeFileSync(at('once.sh'), 'echo once\n')
    const once = ['once.sh', '--ad-hoc', '--device', local.device, '--out', 'once.json', '--yes']
    done(as('ana', 'approve', ...once, '--key', 'ana'))
    done(as('luis', 'approve', 'once.json', '--out', 'once.json', '--key', 'luis', '--yes'))
    // Somebody without a key hands it in.
    done(as('nobody', 'approve', 'once.json'))
    expect(await order('once')).toMatchObject({ state: 'succeeded', stdout: 'once\n' })
  }, 120_000)
})

describe('rotation and withdrawal by the threshold', () => {
  it('takes the old and the new approvers, reaches a device that runs at once, and ends what the one who left had approved', async () => {
    const draft = ['--add-approver', publicKey('eva'), '--remove-approver', 'luis', '--out', 'next.json']
    done(as('ana', 'trust', 'draft', ...draft))
    expect(as('ana', 'trust', 'apply', 'next.json').stderr).toMatch(/^TRUST_THRESHOLD/)
    done(as('ana', 'trust', 'sign', 'next.json', '--key', 'ana', '--yes'))
    const stranger = as('tina', 'trust', 'sign', 'next.json', '--key', 'tina', '--yes')
    expect(stranger.stderr).toMatch(/^CONFLICT: tina .* is no approver/)
    done(as('eva', 'trust', 'sign', 'next.json', '--key', 'eva', '--yes'))
    const early = as('ana', 'trust', 'apply', 'next.json')
    expect([early.code, early.stderr]).toEqual([3, expect.stringContaining('luis')])
    expect(versionOf(local.dataDir)).toBe(1)
    done(as('luis', 'trust', 'sign', 'next.json', '--key', 'luis', '--yes'))
    done(as('ana', 'trust', 'apply', 'next.json'))
    await eventually('the agent has root 2', 20_000, async () => versionOf(local.dataDir) === 2)
    await eventually('the server knows it', 10_000, async () => {
      const { devices } = await vigia.server.call('trust')
      return devices.some(({ version, devices: count }) => version === 2 && count === 1)
    })
    await expect(order('hello')).rejects.toMatchObject({ code: 'COMMAND_UNAPPROVED' })
    const { script } = await vigia.server.call('script', { params: { name: 'hello' } })
    done(as('eva', 'approve', script.digest, '--key', 'eva', '--yes'))
    expect(await order('hello')).toMatchObject({ state: 'succeeded' })
  }, 120_000)

  it('a withdrawn script is ordered no more, whoever signed it; a technician is added with the limits in one root', async () => {
    const { script } = await vigia.server.call('script', { params: { name: 'hello' } })
    const tina = `Tina=${(JSON.parse(readFileSync(publicKey('tina'), 'utf8')) as { publicKey: string }).publicKey}`
    const change = ['--revoke-script', script.digest, '--add-technician', tina, '--limits', '50,2']
    done(as('ana', 'trust', 'draft', ...change, '--out', 'third.json'))
    for (const person of ['ana', 'eva'])
      done(as(person, 'trust', 'sign', 'third.json', '--key', person, '--yes'))
    done(as('eva', 'trust', 'apply', 'third.json'))
    await eventually('the agent has root 3', 20_000, async () => versionOf(local.dataDir) === 3)
    await expect(order(script.digest)).rejects.toMatchObject({ code: 'SCRIPT_REVOKED' })
    expect(as('eva', 'approve', script.digest, '--key', 'eva', '--yes')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('SCRIPT_REVOKED') as unknown,
    })
    const { root } = await vigia.server.call('trust')
    expect(root.technicians.keys).toMatchObject([{ name: 'Tina' }])
    // The device itself takes two orders of one script within the hour.
    expect(await order('device-facts')).toMatchObject({ state: 'succeeded' })
    expect(await order('device-facts')).toMatchObject({ state: 'succeeded' })
    expect(await order('device-facts')).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('COMMAND_LIMIT') as unknown,
    })
  }, 120_000)

  it('a device that was off all the time is led from root to root when it comes back', async () => {
    expect(versionOf(sleeper.dataDir)).toBe(1)
    const agent = startAgentProcess(sleeper.dataDir)
    try {
      await eventually('root 3', 60_000, async () => versionOf(sleeper.dataDir) === 3)
    } finally {
      agent.child.kill('SIGTERM')
      await agent.exited
    }
  }, 90_000)

  it('a token of the time before is refused with a clear word, a new one pins the root of today', async () => {
    const options = { serverUrl: vigia.url, machineId: null }
    await expect(enrolDevice({ ...options, token: oldToken, dataDir: at('late') })).rejects.toMatchObject({
      code: 'ENROL_TRUST_MISMATCH',
      message: expect.stringContaining('new token') as unknown,
    })
    const { token } = await vigia.server.call('createEnrolToken', { body: { client: 'demo' } })
    await enrolDevice({ ...options, token, dataDir: at('fresh') })
    expect(versionOf(at('fresh'))).toBe(3)
  }, 60_000)

  it('stands after a restart, and one add-technician alone is refused where two must approve', async () => {
    await vigia.stop()
    await vigia.start()
    expect((await vigia.server.call('trust')).root.version).toBe(3)
    const health = await vigia.server.call('health')
    expect(health.parts.find(({ name }) => name === 'trust')).toMatchObject({ state: 'ok' })
    const alone = as('ana', 'trust', 'add-technician', 'ana', '--name', 'X', '--key', 'ana', '--yes')
    expect(alone.stderr).toMatch(/^TRUST_THRESHOLD: The next root takes 2 approvers/)
    // The page of who waits for it shows the draft's command by this.
    const offer = await vigia.server.call('remoteOffer', { params: { device: local.device } })
    expect(offer.approvers).toBe(2)
    expect(done(as('ana', 'trust', 'show'))).toContain('Trust root 3')
    const audit = await vigia.server.call('verifyAudit', { query: {} })
    expect(audit).toMatchObject({ ok: true })
  }, 120_000)
})
