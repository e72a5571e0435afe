import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { agentCommand } from '../../cli/start/agent-process.ts'
import type { Health } from '../../contract/views.ts'
import { compareWithStore } from '../bench/kill/compare.ts'
import { readIdentity } from '../bench/kill/device.ts'
import { BENCH_CLIENT, enrolBench } from '../bench/kill/victim.ts'
import { startWitness, type Witness } from '../bench/kill/witness.ts'
import { bind, suiteOnSmallDisk, unbind } from '../server/store/small-disk.ts'
import { createInstallation, eventually, sparePort, type Installation } from '../support/installation.ts'

const LIMIT_MS = 60_000

async function installation(): Promise<Installation> {
  return createInstallation({ args: ['--no-agent'] })
}

/** Takes every byte that is left. */
function fill(disk: string): string {
  const ballast = join(disk, 'ballast')
  spawnSync('sh', ['-c', `cat /dev/zero > ${ballast} 2>/dev/null`])
  return ballast
}

suiteOnSmallDisk("a full disk under the server's data", 400, (disk) => {
  let vigia: Installation
  let witness: Witness | undefined
  const faults: string[] = []
  const health = (): Promise<Health> => vigia.server.call('health')
  const part = async (name: string) => (await health()).parts.find((each) => each.name === name)
  const well = (): Promise<true> =>
    eventually('a server that is well', 2 * LIMIT_MS, async () => {
      const now = await health()
      if (now.state !== 'ok') throw new Error(JSON.stringify(now.parts))
      return true
    })

  beforeAll(async () => {
    vigia = await installation()
    bind(disk(), vigia.dataDir)
    await vigia.start()
    await vigia.server.call('createClient', { body: { id: BENCH_CLIENT, name: 'Bench' } })
  }, 3 * LIMIT_MS)
  afterAll(async () => {
    witness?.stop()
    await vigia.stop('SIGKILL')
    unbind(vigia.dataDir)
    await vigia.remove()
  }, LIMIT_MS)

  it('is an alarm, acknowledges nothing that it loses, and passes when there is space', async () => {
    const identity = readIdentity(await enrolBench(vigia, 'witness'))
    const one = startWitness({ identity, perSecond: 20, series: 20, fault: (text) => faults.push(text) })
    witness = one
    await eventually('acknowledgements', LIMIT_MS, async () => one.acknowledged() > 40)

    const ballast = fill(disk())
    const store = await eventually('the alarm', LIMIT_MS, async () => {
      const now = await part('store')
      return now?.state === 'down' && now
    })
    expect(store.message).toContain('DISK_FULL')
    expect((await part('records'))?.message).toContain('DISK_FULL')
    expect((await health()).state).toBe('down')
    const run = vigia.vigia('health')
    expect(run.code).toBe(1)
    expect(run.stdout).toContain(vigia.dataDir)
    await eventually('the alarm in the log', LIMIT_MS, async () => vigia.output().includes('DISK_FULL'))
    // What is not stored is not acknowledged: the devices keep it.
    const held = one.acknowledged()
    await sleep(2000)
    expect(one.acknowledged()).toBe(held)
    expect(one.waiting()).toBeGreaterThan(30)

    rmSync(ballast)
    await well()
    await eventually('acknowledgements again', LIMIT_MS, async () => one.acknowledged() > held + 40)
  }, 400_000)

  it('has PostgreSQL say so, also when it ends for it, and brings it back when there is space', async () => {
    const ballast = fill(disk())
    const refusal = await eventually('a refusal of the records', 2 * LIMIT_MS, () => grow(vigia))
    expect(refusal).toBe('DISK_FULL')
    // As it ends by itself when its log cannot grow. Whether it finds room to start again depends on what is left.
    const postmaster = (): number =>
      Number(readFileSync(join(vigia.dataDir, 'postgres/db/postmaster.pid'), 'utf8').split('\n')[0])
    const killed = postmaster()
    process.kill(killed, 'SIGKILL')
    await eventually('its end in health', LIMIT_MS, async () => (await part('records'))?.state === 'down')
    await eventually('the disk in health', LIMIT_MS, async () => {
      const now = await part('records')
      return now?.state !== 'ok' && now?.message.includes('has 0 MB free')
    })
    rmSync(ballast)
    await well()
    expect(postmaster()).not.toBe(killed)
    expect(await grow(vigia)).toBeUndefined()
  }, 400_000)

  it('refuses to start on a full disk with the reason, and starts when there is space', async () => {
    await vigia.stop('SIGKILL')
    const ballast = fill(disk())
    const ports = ['--http-port', String(await sparePort()), '--mqtt-port', String(await sparePort())]
    const run = vigia.vigia('start', '--no-agent', ...ports)
    expect(run.code, run.stderr).toBe(74)
    expect(run.stderr).toContain('DISK_FULL')
    expect(run.stderr).toContain(vigia.dataDir)
    rmSync(ballast)
    await vigia.start()
    await well()
  }, 400_000)

  it('has lost and doubled nothing in the end', async () => {
    if (witness === undefined) throw new Error('the first test did not begin')
    const one = witness
    one.rest()
    await eventually('everything acknowledged', LIMIT_MS, async () => one.waiting() === 0)
    expect(await vigia.stop()).toBe(0)
    expect(faults).toEqual([])
    const found = await compareWithStore(join(vigia.dataDir, 'metrics', 'metrics.duckdb'), one.ledger())
    expect(found).toMatchObject({ reports: one.acknowledged(), lost: 0, duplicated: 0 })
    expect(found.samples).toBe(20 * one.acknowledged())
  }, 200_000)
})

suiteOnSmallDisk("a full disk under the agent's data", 32, (disk) => {
  let vigia: Installation
  let agentDir: string
  let agent: ChildProcess | undefined
  let said = ''

  beforeAll(async () => {
    vigia = await installation()
    await vigia.start()
    await vigia.server.call('createClient', { body: { id: BENCH_CLIENT, name: 'Bench' } })
    agentDir = join(vigia.dataDir, '..', 'agents', 'small')
    bind(disk(), agentDir)
    await enrolBench(vigia, 'small')
  }, 3 * LIMIT_MS)
  afterAll(async () => {
    agent?.kill('SIGKILL')
    unbind(agentDir)
    await vigia.remove()
  }, LIMIT_MS)

  it('is an alarm in its log and on the server, drops nothing, and passes when there is space', async () => {
    const { device } = readIdentity(agentDir).address
    await vigia.server.call('setPolicy', { params: { device }, body: { intervalS: 1 } })
    const { args, env } = await agentCommand(agentDir)
    const started = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    })
    agent = started
    started.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const valueOf = async (metric: string): Promise<{ value: number | null; timeMs: number } | undefined> => {
      const { latest } = await vigia.server.call('device', { params: { device } })
      return latest.find((row) => row.metric === metric)
    }
    await eventually(
      'a first value',
      LIMIT_MS,
      async () => (await valueOf('agent.outbox_disk_full'))?.value === 0,
    )

    const ballast = fill(disk())
    await eventually('the alarm in the log', LIMIT_MS, async () => said.includes('DISK_FULL'))
    const told = await eventually('the alarm on the server', LIMIT_MS, async () => {
      const now = await valueOf('agent.outbox_disk_full')
      return now?.value === 1 && now
    })
    // Reports go on, out of memory.
    await eventually('a later report', LIMIT_MS, async () => {
      const now = await valueOf('agent.outbox_disk_full')
      return now !== undefined && now.timeMs > told.timeMs + 2000
    })

    rmSync(ballast)
    await eventually('the end of the alarm', LIMIT_MS, async () => {
      const now = await valueOf('agent.outbox_disk_full')
      return now?.value === 0
    })
    expect(said).toContain('room on its disk again')
    expect((await valueOf('agent.outbox_dropped'))?.value).toBe(0)
    const ended = once(started, 'exit')
    started.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
  }, 400_000)
})

/** Writes about a megabyte into the records; the answer is the code of a refusal. */
async function grow(vigia: Installation): Promise<string | undefined> {
  for (let i = 0; i < 50; i++) {
    try {
      const id = `c${randomBytes(8).toString('hex')}`
      await vigia.server.call('createClient', { body: { id, name: randomBytes(50).toString('base64') } })
    } catch (thrown) {
      return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
    }
  }
  return undefined
}
