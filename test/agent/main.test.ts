import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_POLICY } from '../../contract/down.ts'
import { JobResult } from '../../contract/command.ts'
import { Layout, SessionHello } from '../../contract/report.ts'
import { agentPaths } from '../../agent/paths.ts'
import { notePart } from '../../agent/remote/files/parts.ts'
import { makeSigner, makeTrust, orderFor, script, sealOrder, sealScript } from './act/signing.ts'
import { prepareAgent, startAgentProcess } from './agent-process.ts'
import { startStubServer, until, type StubServer } from './stub-server.ts'

const address = { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }
const MAIN = join(import.meta.dirname, '../../agent/main.ts')
const ann = makeSigner('ann')
const server = makeSigner('server')
let root = ''
let dataDir = ''
let stub: StubServer
let running: ReturnType<typeof startAgentProcess>[] = []

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'vigia-agent-'))
  dataDir = join(root, 'agent')
  stub = await startStubServer()
  await prepareAgent({
    dataDir,
    stub,
    address,
    trust: makeTrust([ann], [server]),
    policy: { ...DEFAULT_POLICY, version: 1, intervalS: 1 },
  })
})
afterEach(async () => {
  for (const { child, exited } of running) {
    child.kill('SIGKILL')
    await exited
  }
  running = []
  await stub.close()
  rmSync(root, { recursive: true, force: true })
})

function start() {
  const agent = startAgentProcess(dataDir)
  running.push(agent)
  return agent
}

describe('the agent as a process', () => {
  it('removes at its start what is left of an upload that never went on', async () => {
    const part = join(root, `.vigia-${'0a'.repeat(16)}.part`)
    writeFileSync(part, 'the first half', { mode: 0o600 })
    utimesSync(part, 1, 1)
    await notePart(agentPaths(dataDir).remoteParts, part)
    start()
    await until('it is gone', () => !existsSync(part), 15_000)
  })

  it('reports this machine within seconds, runs a signed command, takes a policy, and stops cleanly', async () => {
    const agent = start()
    await until('reports with rates', () => stub.reports().length >= 4, 15_000)
    const hello = SessionHello.parse(stub.json('session')[0])
    expect(hello).toMatchObject({ trustVersion: 1, commandsEnabled: true })
    const layouts = stub.json('layout').map((each) => Layout.parse(each))
    for (const report of stub.reports()) {
      const layout = layouts.find(({ hash }) => hash === report.hash)
      expect(layout?.series.length).toBe(report.values.length)
    }
    const names = layouts.flatMap(({ series }) => series.map(({ metric }) => metric))
    for (const name of ['cpu.used_percent', 'memory.available_bytes', 'load.1m', 'agent.rss_bytes'])
      expect(names).toContain(name)

    const sealed = sealScript(script('echo "from $VIGIA_JOB"'), [ann])
    const order = orderFor(sealed, { challenge: hello.challenge })
    await stub.send(address, { type: 'command', order: sealOrder(order, [server]), script: sealed })
    await until('a result', () => stub.of('result').length === 2)
    const results = stub.json('result').map((each) => JobResult.parse(each))
    expect(results.map(({ outcome }) => outcome)).toEqual(['started', 'exited'])
    expect(results[1]).toMatchObject({ job: order.job, exitCode: 0, stdout: `from ${order.job}\n` })

    await stub.send(address, { type: 'policy', policy: { ...DEFAULT_POLICY, version: 2, intervalS: 3600 } })
    await until('the policy', () => agent.stderr().includes('a new policy'))

    agent.child.kill('SIGTERM')
    expect(await agent.exited).toEqual({ code: 0, signal: null })
    await until('goodbye', () => stub.of('gone').length === 1)
    expect(stub.json('gone')[0]).toMatchObject({ reason: 'stopped' })
    expect(agent.stderr()).not.toContain('"level":"error"')
  }, 40_000)

  it('ends, with a goodbye, when the process that it belongs to is killed -9', async () => {
    const source = `const { spawn } = require('node:child_process')
      spawn(process.execPath, [${JSON.stringify(MAIN)}, '--data', ${JSON.stringify(dataDir)}, '--parent', String(process.pid)], { stdio: 'ignore' })`
    const parent = spawn(process.execPath, ['-e', source], { stdio: 'ignore' })
    await until('connected', () => stub.of('session').length === 1, 15_000)
    parent.kill('SIGKILL')
    await until('goodbye', () => stub.of('gone').length === 1, 15_000)
  }, 40_000)

  it('kill -9 again and again with a server that loses acknowledgements: nothing that was safe is lost', async () => {
    const acked = new Set<string>()
    const seen = new Set<string>()
    stub.shouldAck = (boot, seq) => {
      const key = `${boot}:${String(seq)}`
      // The first time it comes, an acknowledgement of every second one is lost.
      const ack = seq % 2 === 0 || seen.has(key)
      seen.add(key)
      if (ack) acked.add(key)
      return ack
    }
    for (let round = 0; round < 3; round++) {
      const before = seen.size
      const agent = start()
      await until('new reports', () => seen.size >= before + 4, 20_000)
      agent.child.kill('SIGKILL')
      await agent.exited
    }
    start()
    // What the killed ones left goes first, in order.
    const boots = (): string[] => [...new Set([...seen].map((key) => key.slice(0, 16)))]
    await until('the last one reports', () => boots().length === 4, 30_000)
    for (const boot of boots().slice(0, 3)) {
      const seqs = [...seen].filter((key) => key.startsWith(boot)).map((key) => Number(key.split(':')[1]))
      expect(seqs.sort((a, b) => a - b)).toEqual(Array.from({ length: Math.max(...seqs) + 1 }, (_, i) => i))
      await until(
        'this boot is acknowledged',
        () => seqs.every((seq) => acked.has(`${boot}:${String(seq)}`)),
        30_000,
      )
    }
  }, 120_000)

  it('a faulty configuration names every fault and ends with 2; a second agent is refused with 73', async () => {
    const agent = start()
    await until('connected', () => stub.of('session').length === 1, 15_000)
    const second = start()
    expect((await second.exited).code).toBe(73)
    expect(second.stderr()).toContain(
      `DATA_IN_USE: ${dataDir} is held by the agent with pid ${String(agent.child.pid)}`,
    )
    agent.child.kill('SIGTERM')
    expect((await agent.exited).code).toBe(0)

    writeFileSync(agentPaths(dataDir).config, '{"serverUrl":"x","mqttUrl":"y"}')
    const faulty = start()
    expect((await faulty.exited).code).toBe(2)
    for (const field of ['serverUrl', 'mqttUrl', 'client', 'device'])
      expect(faulty.stderr()).toContain(`${field}:`)
    expect(faulty.stderr()).toContain('Next step:')
  }, 40_000)
})
