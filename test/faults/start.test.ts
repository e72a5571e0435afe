import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createInstallation, sparePort, type CliRun, type Installation } from '../support/installation.ts'

let vigia: Installation
const listening: Server[] = []

beforeEach(async () => {
  vigia = await createInstallation()
})
afterEach(async () => {
  for (const server of listening.splice(0)) await new Promise((resolve) => server.close(resolve))
  await vigia.remove()
})

async function taken(): Promise<number> {
  const server = createServer()
  listening.push(server)
  const port = await sparePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return port
}

async function start(options: { http?: number; mqtt?: number; args?: string[] }): Promise<CliRun> {
  const [http, mqtt] = [options.http ?? (await sparePort()), options.mqtt ?? (await sparePort())]
  const ports = ['--http-port', String(http), '--mqtt-port', String(mqtt)]
  return vigia.vigia('start', '--no-agent', ...ports, ...(options.args ?? []))
}

describe('a start that cannot be', { timeout: 120_000 }, () => {
  it('names the HTTP port that is in use and the option that changes it', async () => {
    const port = await taken()
    const run = await start({ http: port })
    expect(run.code, run.stderr).toBe(69)
    expect(run.stderr).toContain('PORT_IN_USE')
    expect(run.stderr).toContain(`127.0.0.1:${port}`)
    expect(run.stderr).toContain('--http-port')
    expect(run.stdout).toBe('')
    // Everything that stood already was undone: the next start with another port is an ordinary one.
    expect(existsSync(join(vigia.dataDir, 'vigia.lock'))).toBe(false)
    await vigia.start()
    expect(await vigia.stop()).toBe(0)
  })

  it('names the MQTT port that is in use and the option that changes it', async () => {
    const port = await taken()
    const run = await start({ mqtt: port })
    expect(run.code, run.stderr).toBe(69)
    expect(run.stderr).toContain('PORT_IN_USE')
    expect(run.stderr).toContain(`127.0.0.1:${port}`)
    expect(run.stderr).toContain('--mqtt-port')
    expect(existsSync(join(vigia.dataDir, 'vigia.lock'))).toBe(false)
  })

  it('says every fault of the configuration with file, line and field, and applies nothing', async () => {
    mkdirSync(vigia.dataDir, { recursive: true })
    const file = join(vigia.dataDir, 'vigia.yaml')
    writeFileSync(
      file,
      'http:\n  host: 5\nstore:\n  kind: duckdb\n  memoryMb: few\nretention:\n  rawDay: 3\n',
    )
    const run = await start({})
    expect(run.code, run.stderr).toBe(2)
    expect(run.stderr).toContain('CONFIG_INVALID')
    expect(run.stderr).toContain('nothing was applied')
    expect(faultLines(run.stderr, file)).toEqual([
      expect.stringMatching(/:2:\d+ {2}http\.host {2}/),
      expect.stringMatching(/:5:\d+ {2}store\.memoryMb {2}/),
      expect.stringMatching(/:7:\d+ {2}retention\.rawDay {2}/),
    ])
    expect(readdirSync(vigia.dataDir)).toEqual(['vigia.yaml'])
    const json = JSON.parse((await start({ args: ['--json'] })).stderr) as {
      error: { code: string; faults: { file: string; line: number; field: string }[] }
    }
    expect(json.error.code).toBe('CONFIG_INVALID')
    expect(json.error.faults).toMatchObject([
      { file, line: 2, field: 'http.host' },
      { file, line: 5, field: 'store.memoryMb' },
      { file, line: 7, field: 'retention.rawDay' },
    ])
  })

  it('says every fault of every rule file with file, line and field, and applies nothing', async () => {
    mkdirSync(vigia.dataDir, { recursive: true })
    writeFileSync(join(vigia.dataDir, 'vigia.yaml'), 'rules:\n  packs: [one.yaml, two.yaml]\n')
    const [one, two] = [join(vigia.dataDir, 'one.yaml'), join(vigia.dataDir, 'two.yaml')]
    writeFileSync(one, 'pack: one\nrules:\n  - name: Not A Name\n    severity: awful\n')
    writeFileSync(two, 'pack: two\nrules: nothing\n')
    const run = await start({})
    expect(run.code, run.stderr).toBe(2)
    expect(run.stderr).toContain('RULES_INVALID')
    expect(faultLines(run.stderr, one).some((line) => /:4:\d+ .*severity/.test(line))).toBe(true)
    expect(faultLines(run.stderr, one).some((line) => /:3:\d+ .*name/.test(line))).toBe(true)
    expect(faultLines(run.stderr, two).some((line) => /:2:\d+ .*rules/.test(line))).toBe(true)
    expect(readdirSync(vigia.dataDir).sort()).toEqual(['one.yaml', 'two.yaml', 'vigia.yaml'])
  })

  it('names a rule file that is not there', async () => {
    mkdirSync(vigia.dataDir, { recursive: true })
    writeFileSync(join(vigia.dataDir, 'vigia.yaml'), 'rules:\n  packs: [absent.yaml]\n')
    const run = await start({})
    expect(run.code, run.stderr).toBe(2)
    expect(run.stderr).toContain(join(vigia.dataDir, 'absent.yaml'))
  })
})

/** The lines of a message that name a place in the file, without its name. */
function faultLines(stderr: string, file: string): string[] {
  return stderr
    .split('\n')
    .flatMap((line) => (line.startsWith(`  ${file}`) ? [line.slice(file.length + 2)] : []))
}
