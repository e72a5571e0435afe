import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually, type Installation } from '../support/installation.ts'
import { suiteNeeding } from '../support/servers.ts'
import { ROOT } from '../support/sources.ts'
import { createWindowsSite, type WindowsSite } from '../support/wine/site.ts'
import type { WindowsMachine, WindowsProcess } from '../support/wine/wine.ts'

/** The agent for Windows, under Wine, on a real server. */
suiteNeeding(['wine'], 'an agent on Windows', ({ wine }) => {
  let site: WindowsSite
  let vigia: Installation
  let machine: WindowsMachine
  let agent: WindowsProcess
  let device: string
  let folder: string
  let made = 0

  const isOnline = async (): Promise<boolean> =>
    (await vigia.server.call('device', { params: { device } })).device.online
  const startAgent = async (): Promise<void> => {
    agent = site.startAgent()
    await eventually('the agent', 60_000, isOnline)
  }
  /** Approves a script for this device alone; answers its name. */
  const approve = (interpreter: 'batch' | 'node', body: string, about: readonly string[] = []): string => {
    const name = `try-${String((made += 1))}`
    const head = [
      `name: ${name}`,
      ...['version: 1', 'title: A trial', 'description: A trial.', 'changes: nothing', 'successCodes: [0]'],
      `interpreter: ${interpreter}`,
      'systems: [windows]',
      'idempotent: true',
      ...(about.some((line) => line.startsWith('timeoutS')) ? [] : ['timeoutS: 60']),
      ...(about.some((line) => line.startsWith('parameters')) ? [] : ['parameters: {}']),
      ...about,
    ]
    writeFileSync(join(folder, `${name}.yaml`), `${head.join('\n')}\n`)
    writeFileSync(join(folder, `${name}.${interpreter === 'batch' ? 'cmd' : 'mjs'}`), body)
    const done = vigia.vigia('approve', join(folder, `${name}.yaml`), '--device', device, '--yes')
    expect(done.code, done.stderr).toBe(0)
    return name
  }
  const order = async (script: string, parameters: Record<string, string> = {}): Promise<string> =>
    (await vigia.server.call('createJob', { body: { device, script, parameters } })).id
  const job = (id: string) => vigia.server.call('job', { params: { id } })
  const ended = (id: string) =>
    eventually(`the end of job ${id}`, 60_000, async () => {
      const now = await job(id)
      return !['waiting', 'sent', 'running'].includes(now.state) && now
    })
  const run = async (script: string, parameters: Record<string, string> = {}) =>
    ended(await order(script, parameters))
  const onDrive = (name: string): string => join(machine.drive, name)
  const cameTo = (what: string): Promise<true> =>
    eventually(what, 30_000, async () => existsSync(onDrive(what)) || undefined)
  const allGone = (words: string): Promise<true> =>
    eventually(`the end of ${words}`, 20_000, async () => machine.processes(words).length === 0 || undefined)

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-windows-'))
    site = await createWindowsSite(wine)
    ;({ vigia, machine, device } = site)
    await startAgent()
  }, 240_000)
  afterAll(async () => {
    await agent?.kill()
    await site?.remove()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  it('enrols, connects and says what it is', async () => {
    const known = await vigia.server.call('device', { params: { device } })
    expect(known.device).toMatchObject({ os: 'windows', online: true })
    const second = machine.run(...site.agent)
    expect([second.code, second.stderr]).toEqual([73, expect.stringMatching(/DATA_IN_USE/)])
  }, 60_000)

  it('runs a script of the library', async () => {
    const port = new URL(vigia.url).port
    const ended = await run('ping-neighbour', { host: '127.0.0.1', ports: port })
    expect(ended).toMatchObject({ state: 'succeeded', exitCode: 0, fields: { open_ports: port } })
  }, 60_000)

  it('runs a batch file: labels, both streams, fields, exit code', async () => {
    const about = [
      'parameters:',
      `  who: { type: string, pattern: '[\\s\\S]*', maxLength: 60, help: whom }`,
      'exitCodes: { "7": Odd }',
      'outputs: { said: { type: text, help: what } }',
    ]
    const body =
      '@echo off\necho begin\necho aside 1>&2\ngoto last\necho never\n:last\necho VIGIA_FIELD said=%VIGIA_PARAM_WHO%\nexit /b 7\n'
    const name = approve('batch', body, about)
    expect(await run(name, { who: 'María ñ €' })).toMatchObject({
      ...{ state: 'failed', exitCode: 7, fields: { said: 'María ñ €' } },
      stdout: expect.stringMatching(/^begin\s+VIGIA_FIELD/) as unknown,
      stderr: expect.stringMatching(/^aside\s+$/) as unknown,
    })
    await expect(order(name, { who: 'x & echo owned' })).rejects.toMatchObject({
      code: 'COMMAND_MALFORMED',
      message: expect.stringContaining('cmd.exe would evaluate') as unknown,
    })
  }, 60_000)

  it('lets no value that is accepted be anything but a text to cmd.exe', async () => {
    const about = [
      'parameters:',
      ...Array.from(
        { length: 20 },
        (_, at) => `  v${String(at)}: { type: string, pattern: '[\\s\\S]*', maxLength: 99, help: x }`,
      ),
    ]
    const lines = Array.from({ length: 20 }, (_, at) => `if 1==1 (echo [%VIGIA_PARAM_V${String(at)}%])`)
    const name = approve('batch', `@echo off\n${lines.join('\n')}\n`, about)
    const value = fc.string({
      unit: fc.constantFrom(
        ...Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)),
        ' ',
        'ñ',
        '＆',
        '\u2028',
      ),
      minLength: 1,
      maxLength: 30,
    })
    const safe = value.filter((text) => !/["%&|<>^!()]/.test(text))
    for (const values of fc.sample(fc.array(safe, { minLength: 20, maxLength: 20 }), 5)) {
      const given = Object.fromEntries(values.map((text, at) => [`v${String(at)}`, text]))
      const { stdout } = await run(name, given)
      expect(stdout.trim().split('\r\n')).toEqual(values.map((text) => `[${text}]`))
    }
  }, 120_000)

  it('hands a secret to a batch file and shows it nowhere, and refuses one that cmd.exe would evaluate', async () => {
    const about = ['parameters:', '  key: { type: secret, help: which }']
    const name = approve('batch', '@echo off\necho it is %VIGIA_SECRET_KEY%\n', about)
    const store = (secret: string, value: string): void => {
      const words = [join(ROOT, 'bin/vigia.js'), 'secret', 'set', secret, '--server', vigia.url]
      const set = spawnSync(process.execPath, words, {
        env: vigia.env,
        input: `${value}\n`,
        encoding: 'utf8',
      })
      expect(set.status, set.stderr).toBe(0)
    }
    store('plain', 'correct horse battery')
    store('sharp', 'pass & echo owned')
    expect(await run(name, { key: 'plain' })).toMatchObject({
      state: 'succeeded',
      stdout: 'it is ******\r\n',
    })
    const refused = await run(name, { key: 'sharp' })
    expect(refused).toMatchObject({
      state: 'refused',
      reason: expect.stringMatching(/^SECRET_UNUSABLE/) as unknown,
    })
    expect(JSON.stringify(refused)).not.toContain('owned')
  }, 60_000)

  it('ends the whole tree when the time is up, politely first, also what sheds its parents', async () => {
    const child = `process.on('SIGINT', () => { require('fs').writeFileSync('C:/polite', 'x'); process.exit() }); setInterval(() => 0, 1000)`
    const body = `
      import { spawn } from 'node:child_process'
      const node = process.execPath
      spawn(node, ['-e', 'setInterval(() => 0, 1000)', 'tree-shed'], { detached: true, stdio: 'ignore' }).unref()
      spawn(node, ['-e', ${JSON.stringify(child)}, 'tree-child'], { stdio: 'ignore' })
      process.on('SIGINT', () => console.log('I stay'))
      setInterval(() => console.log('tick'), 200)
    `
    const id = await order(approve('node', body, ['timeoutS: 5']))
    await eventually('the tree', 30_000, async () => machine.processes('tree-').length >= 2 || undefined)
    const end = await ended(id)
    expect(end).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/^SCRIPT_TIMEOUT/) as unknown,
    })
    expect(end.reason).not.toContain('could not be ended')
    expect(end.stdout).toContain('I stay')
    await allGone('tree-')
    expect(existsSync(onDrive('polite'))).toBe(true)
  }, 90_000)

  it('is cancelled: everything that it started is gone', async () => {
    const body =
      '@echo off\nstart /b "" "%VIGIA_NODE%" -e "setInterval(()=>0,1000)" cancel-me\n"%VIGIA_NODE%" -e "setInterval(()=>0,1000)" cancel-me\n'
    const id = await order(approve('batch', body))
    await eventually('both', 30_000, async () => machine.processes('cancel-me').length >= 2 || undefined)
    await vigia.server.call('cancelJob', { params: { id } })
    expect(await ended(id)).toMatchObject({ state: 'cancelled' })
    await allGone('cancel-me')
  }, 90_000)

  it.each([
    [
      'processes',
      'limits: { processes: 4, memoryMb: 4096, writtenMb: 100 }',
      `for (let i = 0; i < 12; i++) spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)', 'limit-me'], { stdio: 'ignore' })`,
    ],
    [
      'memory',
      'limits: { memoryMb: 400, processes: 50, writtenMb: 100 }',
      `globalThis.held = []; setInterval(() => held.push(Buffer.alloc(64 * 1024 * 1024, 1)), 100)`,
    ],
  ])(
    'ends a script that passes its limit of %s',
    async (limit, about, deed) => {
      const body = `import { spawn } from 'node:child_process'\n${deed}\nsetInterval(() => spawn, 1000)\n`
      const end = await run(approve('node', body, [about]))
      expect(end).toMatchObject({
        state: 'failed',
        reason: expect.stringMatching(/^SCRIPT_LIMIT/) as unknown,
      })
      expect(end.reason).toContain(`${limit}: `)
      await allGone('limit-me')
      expect(await isOnline()).toBe(true)
    },
    90_000,
  )

  it('lets what a script leaves behind live on', async () => {
    const body =
      '@echo off\ncd /d C:\\\nstart /b "" "%VIGIA_NODE%" -e "setInterval(()=>0,1000)" daemon\nexit /b 0\n'
    const end = await run(approve('batch', body))
    expect(end).toMatchObject({
      state: 'succeeded',
      exitCode: 0,
      reason: 'exit code 0; 1 process of it left running',
    })
    expect(machine.processes('daemon')).toHaveLength(1)
    for (const pid of machine.processes('daemon')) process.kill(pid, 'SIGKILL')
  }, 60_000)

  it('whose runner dies is unknown, its processes end with it, and it is never run again', async () => {
    const body = `@echo off\necho x>>C:\\ran\n"%VIGIA_NODE%" -e "setInterval(()=>0,1000)" orphan\n`
    const id = await order(approve('batch', body))
    await eventually('the script', 30_000, async () => machine.processes('orphan').length > 0 || undefined)
    for (const pid of machine.processes('runner.ts')) process.kill(pid, 'SIGKILL')
    await allGone('orphan')
    expect(await ended(id)).toMatchObject({ state: 'unknown' })
    await agent.kill()
    await startAgent()
    expect(readFileSync(onDrive('ran'), 'utf8').trim()).toBe('x')
    expect(readdirSync(onDrive('vigia/agent/jobs')).filter((name) => name.startsWith('work-'))).toEqual([])
  }, 120_000)

  it('of which the agent dies runs to its end, once, and the end is told', async () => {
    const body = `@echo off\necho x>>C:\\ran-on\n"%VIGIA_NODE%" -e "setTimeout(()=>0,6000)" go-on\necho done\n`
    const id = await order(approve('batch', body))
    await cameTo('ran-on')
    await agent.kill()
    await startAgent()
    expect(await ended(id)).toMatchObject({
      state: 'succeeded',
      exitCode: 0,
      stdout: expect.stringContaining('done') as unknown,
    })
    expect(readFileSync(onDrive('ran-on'), 'utf8').trim()).toBe('x')
  }, 120_000)
})
