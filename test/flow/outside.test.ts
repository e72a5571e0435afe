import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startInfluxd, type TestServer } from '../server/store/influx/servers.ts'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'
import { suiteNeeding } from '../support/servers.ts'
import { ROOT } from '../support/sources.ts'
import {
  createMosquitto,
  startPostgres,
  usersOf,
  type OutsideMosquitto,
  type OutsidePostgres,
} from './outside-servers.ts'

const SOON_MS = 30_000

suiteNeeding(
  ['mosquitto', 'influxd', 'postgres'],
  'a server with every part outside',
  ({ mosquitto, influxd, postgres }) => {
    let folder: string
    let broker: OutsideMosquitto
    let influx: TestServer
    let records: OutsidePostgres
    let vigia: Installation
    let agent: ChildProcess
    let agentLog: string
    let device: string
    /** What stands, the last first at the end. */
    const undo: (() => Promise<unknown>)[] = []

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'vigia-outside-'))
      chmodSync(folder, 0o755)
      records = await startPostgres(postgres, join(folder, 'postgres'))
      undo.push(() => records.stop())
      influx = await startInfluxd(influxd)
      undo.push(() => influx.stop())
      broker = await createMosquitto(mosquitto, join(folder, 'mosquitto'))
      undo.push(() => broker.kill())
      vigia = await createInstallation({ args: ['--no-agent'] })
      undo.push(() => vigia.remove())
      mkdirSync(vigia.dataDir, { recursive: true })
      const config = {
        broker: {
          url: `mqtts://127.0.0.1:${broker.port}`,
          aclFile: broker.aclFile,
          pidFile: broker.pidFile,
        },
        store: { kind: 'influx1', url: influx.url, database: 'vigia' },
        records: { url: records.url },
      }
      writeFileSync(join(vigia.dataDir, 'vigia.yaml'), stringify(config))
      await vigia.start()
    }, 120_000)

    afterAll(async () => {
      for (const step of undo.reverse()) await step()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    }, 60_000)

    const health = () => vigia.server.call('health')
    const partOf = async (name: string) => (await health()).parts.find((part) => part.name === name)!
    const well = (limitMs = SOON_MS) =>
      eventually('a well server', limitMs, async () => {
        const answer = await health()
        if (answer.state !== 'ok') throw new Error(JSON.stringify(answer.parts))
        return true
      })
    const onlineDevice = async () => {
      const { devices } = await vigia.server.call('devices', { query: {} })
      return devices.find((found) => found.online && found.headline.memoryPercent !== null)
    }
    const connects = (): number => readFileSync(agentLog, 'utf8').match(/\bconnected\b/g)?.length ?? 0
    const runJob = (): void => {
      const run = vigia.vigia('run', 'device-facts', '--device', device, '--follow')
      expect(run.code, run.stderr).toBe(0)
      expect(run.stdout).toMatch(/Job [0-9a-f-]+ \(\S+\): (succeeded|verified), exit code 0/)
    }
    /** How often Influx holds a value of this metric of the device, and the longest time between two, in seconds. */
    async function stored(metric: string, sinceMs: number): Promise<{ count: number; longestGapS: number }> {
      const query = `SELECT "value" FROM "vigia_raw"."${metric}" WHERE "device" = '${device}' AND time >= ${sinceMs}ms`
      const answer = await fetch(`${influx.url}/query?db=vigia&epoch=ms&q=${encodeURIComponent(query)}`)
      const { results } = (await answer.json()) as {
        results: { series?: { values: [number, number][] }[] }[]
      }
      const times = results[0]?.series?.[0]?.values.map(([time]) => time) ?? []
      const gaps = times.map((time, index) => (index === 0 ? 0 : time - times[index - 1]!))
      return { count: times.length, longestGapS: Math.max(0, ...gaps) / 1000 }
    }

    it('starts before its broker, says so, and makes what mosquitto needs: certificates and access list', async () => {
      expect(await partOf('broker')).toMatchObject({ state: 'down' })
      expect((await partOf('broker')).message).toContain('ECONNREFUSED')
      expect(usersOf(broker.aclFile)).toEqual(['vigia-server'])
      await broker.start(join(vigia.dataDir, 'ca'))
      await well()
      expect(await partOf('store')).toMatchObject({ message: expect.stringContaining('influx') as string })
    }, 60_000)

    it('enrols this machine: mosquitto lets it in at once, and its values are in the API', async () => {
      expect(vigia.vigia('client-add', 'acme', '--name', 'Acme').code).toBe(0)
      const made = vigia.vigia('enrol-token', '--client', 'acme', '--json')
      const { token } = JSON.parse(made.stdout) as { token: string }
      const enrolled = vigia.vigia('agent', 'enrol', '--url', vigia.url, '--token', token, '--json')
      expect(enrolled.code, enrolled.stderr).toBe(0)
      device = (JSON.parse(enrolled.stdout) as { device: string }).device
      expect(usersOf(broker.aclFile)).toEqual(['vigia-server', `acme/${device}`])
      // A file and no pipe: while a command is waited for nobody reads.
      agentLog = join(folder, 'agent.log')
      const log = openSync(agentLog, 'a')
      agent = spawn(process.execPath, [join(ROOT, 'bin/vigia.js'), 'agent', 'run'], {
        env: vigia.env,
        stdio: ['ignore', log, log],
      })
      closeSync(log)
      undo.push(() => ended(agent))
      const found = await eventually('the device with values', SOON_MS, onlineDevice)
      expect(found.id).toBe(device)
      const { latest } = await vigia.server.call('device', { params: { device } })
      expect(latest.map((row) => row.metric)).toContain('load.1m')
      expect(connects()).toBe(1)
    }, 90_000)

    it('mends a crashed service and runs a job over mosquitto', async () => {
      const run = vigia.vigia('lab', 'service-crash', '--json')
      expect(run.code, run.stderr).toBe(0)
      const answer = JSON.parse(run.stdout) as { incident: { resolvedBy: string }; job: { state: string } }
      expect(answer.incident.resolvedBy).toBe('remedy')
      expect(answer.job.state).toBe('verified')
      runJob()
    }, 120_000)

    it('after a restart asks the device that stayed connected for its hello, and runs a job again', async () => {
      expect(vigia.vigia('policy', device, '--interval', '1').code).toBe(0)
      expect(await vigia.stop()).toBe(0)
      await vigia.start()
      await eventually('the device again', SOON_MS, onlineDevice)
      runJob()
      expect(connects()).toBe(1)
      expect(agent.exitCode).toBe(null)
    }, 120_000)

    it('loses nothing while influxd is away after a kill -9, and says so', async () => {
      const sinceMs = Date.now()
      await eventually('fresh values', SOON_MS, async () => (await stored('load.1m', sinceMs)).count > 2)
      await influx.kill('SIGKILL')
      const away = await eventually('degraded health', SOON_MS, async () => {
        const answer = await health()
        return answer.state === 'degraded' && answer
      })
      expect(away.parts.find(({ name }) => name === 'store')!.message).toMatch(/^\d+ reports .* wait on disk/)
      await sleep(6000)
      await influx.start()
      await well()
      const { count, longestGapS } = await stored('load.1m', sinceMs)
      // What came in the meantime would be a hole of six seconds and more.
      expect(longestGapS).toBeLessThan(5)
      expect(count).toBeGreaterThan(6)
    }, 120_000)

    it('holds alerts back while PostgreSQL is away and makes incidents of them when it is back', async () => {
      const service = spawn('sleep', ['3600'], { stdio: 'ignore' })
      undo.push(() => ended(service))
      const agentDir = join(vigia.dataDir, 'agent')
      const pidFile = join(folder, 'service.pid')
      writeFileSync(pidFile, String(service.pid))
      mkdirSync(join(agentDir, 'services.d'), { recursive: true })
      writeFileSync(
        join(agentDir, 'services.d', 'outside.json'),
        JSON.stringify({ name: 'outside', pidFile, start: ['true'] }),
      )
      const up = async (): Promise<number | null | undefined> => {
        const { latest } = await vigia.server.call('device', { params: { device } })
        return latest.find((row) => row.metric === 'service.up' && row.labels['service'] === 'outside')?.value
      }
      await eventually('the watched service', SOON_MS, async () => (await up()) === 1)
      await records.stop()
      await ended(service)
      const waiting = await eventually('alerts that wait', 60_000, async () => {
        const answer = await health()
        const rules = answer.parts.find(({ name }) => name === 'rules')!
        return /^\d+ alerts wait for the records/.test(rules.message) && answer
      })
      expect(waiting.parts.find(({ name }) => name === 'records')).toMatchObject({ state: 'down' })
      await records.start()
      const incident = await eventually('the incident', 90_000, async () => {
        const { incidents } = await vigia.server.call('incidents', { query: { device } })
        return incidents.find((row) => row.labels['service'] === 'outside')
      })
      expect(incident.rule).toBe('service-down')
      await well()
    }, 240_000)

    it('takes a revoked device off the list, and mosquitto reads it', async () => {
      const reloads = (): number => broker.log().match(/Reloading config/g)?.length ?? 0
      const before = reloads()
      const run = vigia.vigia('revoke', device)
      expect(run.code, run.stderr + vigia.output()).toBe(0)
      expect(usersOf(broker.aclFile)).toEqual(['vigia-server'])
      await eventually('the reload', SOON_MS, async () => reloads() > before)
      await eventually('a refused message', SOON_MS, async () =>
        broker.log().includes(`Denied PUBLISH from acme/${device}`),
      )
    }, 90_000)
  },
)

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}
