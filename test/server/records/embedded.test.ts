import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startEmbedded, type EmbeddedPostgres } from '../../../server/records/embedded.ts'
import { preparePlace } from '../../../server/records/embedded-place.ts'
import { withClient } from '../../../server/records/migrate.ts'
import { openFolder } from './clusters.ts'

const asRoot = process.getuid?.() === 0

describe('the embedded PostgreSQL', () => {
  let dataDir: string
  let said: string[]
  let running: EmbeddedPostgres[]

  let made: string

  beforeAll(async () => {
    made = openFolder()
    const server = await startEmbedded({ dataDir: made, say: () => undefined })
    await server.stop()
  })
  afterAll(() => rmSync(made, { recursive: true, force: true }))
  beforeEach(() => {
    dataDir = openFolder()
    // A database made before, so that each test need not wait for initdb.
    spawnSync('cp', ['-a', join(made, 'postgres'), dataDir])
    said = []
    running = []
  })
  afterEach(async () => {
    for (const each of running) await each.stop()
    chmodSync(dataDir, 0o711)
    rmSync(dataDir, { recursive: true, force: true })
  })

  async function start(): Promise<EmbeddedPostgres> {
    const server = await startEmbedded({ dataDir, say: (message) => said.push(message) })
    running.push(server)
    return server
  }
  const pidFile = (): string => join(dataDir, 'postgres', 'db', 'postmaster.pid')
  const postmaster = (): number => Number(readFileSync(pidFile(), 'utf8').split('\n')[0])
  const write = (server: EmbeddedPostgres, value: number): Promise<unknown> =>
    withClient(server.connection, (client) =>
      client.query(`create table if not exists kept (value int); insert into kept values (${value})`),
    )
  const read = (server: EmbeddedPostgres): Promise<number[]> =>
    withClient(server.connection, async (client) => {
      const { rows } = await client.query<{ value: number }>('select value from kept order by 1')
      return rows.map(({ value }) => value)
    })

  /** Another process that starts the server, writes, says it is ready and then only waits. */
  async function startElsewhere(): Promise<ChildProcess> {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./embedded-parent.ts', import.meta.url)), dataDir],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    await once(child.stdout, 'data')
    return child
  }

  it('starts, keeps what is committed, stops, and starts again quickly', async () => {
    const first = await start()
    await write(first, 1)
    expect(first.health()).toEqual({ state: 'ok', message: 'embedded' })
    await first.stop()
    expect(existsSync(pidFile())).toBe(false)
    const begun = performance.now()
    const second = await start()
    // 60 ms by itself; the bound leaves room for a busy machine.
    expect(performance.now() - begun).toBeLessThan(2000)
    expect(await read(second)).toEqual([1])
    const settings = await withClient(second.connection, (client) =>
      client.query(
        `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
          current_setting('listen_addresses') as listen, current_setting('data_checksums') as checksums`,
      ),
    )
    expect(settings.rows).toEqual([{ fsync: 'on', commit: 'on', listen: '', checksums: 'on' }])
  })

  it('does not run as root, and lets in nobody without the password', async () => {
    const server = await start()
    if (asRoot) {
      const status = readFileSync(`/proc/${postmaster()}/status`, 'utf8')
      expect(status).toMatch(/^Uid:\t(?!0\t)\d+/m)
    }
    const wrong = { ...server.connection, password: 'wrong' }
    await expect(withClient(wrong, async () => 1)).rejects.toMatchObject({ code: 'RECORDS_UNAVAILABLE' })
  })

  it('ends with its parent when that is killed -9, and loses nothing', async () => {
    const parent = await startElsewhere()
    const pid = postmaster()
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    await gone(pid)
    expect(existsSync(pidFile())).toBe(false)
    expect(await read(await start())).toEqual([1])
  })

  it('takes over at once from a server that was killed -9 a moment ago', async () => {
    for (let round = 0; round < 3; round++) {
      const parent = await startElsewhere()
      parent.kill('SIGKILL')
      const server = await start()
      expect(await read(server)).toHaveLength(round + 1)
      await server.stop()
    }
  })

  it('stops a PostgreSQL that lost its supervisor too, and starts its own', async () => {
    const parent = await startElsewhere()
    const pid = postmaster()
    // The supervisor's two shells first, so that nobody is left to end PostgreSQL.
    for (const shell of supervisorsOf(pid)) process.kill(shell, 'SIGKILL')
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    await sleep(200)
    expect(isAlive(pid)).toBe(true)
    const server = await start()
    expect(isAlive(pid)).toBe(false)
    expect(await read(server)).toEqual([1])
  })

  it('starts again by itself when it is killed -9, and says so', async () => {
    const server = await start()
    await write(server, 1)
    process.kill(postmaster(), 'SIGKILL')
    await until(() => said.includes('PostgreSQL was started again'))
    await write(server, 2)
    expect(await read(server)).toEqual([1, 2])
    expect(said.join()).toMatch(/PostgreSQL ended with/)
  })

  it('passes over a pid file whose number is another process now', async () => {
    const first = await start()
    await first.stop()
    // Of PostgreSQL's own account, which is what it would take for a postmaster.
    const account = asRoot ? { uid: 65534, gid: 65534 } : {}
    const stranger = spawn('/bin/sleep', ['60'], { ...account, cwd: '/', stdio: 'ignore' })
    await once(stranger, 'spawn')
    writeFileSync(pidFile(), `${stranger.pid}\n${join(dataDir, 'postgres', 'db')}\n0\n5432\n\n\n\nready   \n`)
    const server = await start()
    expect(postmaster()).not.toBe(stranger.pid)
    expect(isAlive(stranger.pid!)).toBe(true)
    expect(server.health().state).toBe('ok')
    stranger.kill('SIGKILL')
  })

  it('says why it cannot start, with the end of its log', async () => {
    const first = await start()
    await first.stop()
    writeFileSync(join(dataDir, 'postgres', 'db', 'postgresql.conf'), 'no_such_setting = 1\n')
    await expect(start()).rejects.toMatchObject({
      code: 'RECORDS_UNAVAILABLE',
      message: expect.stringContaining('no_such_setting') as string,
    })
  })

  it('begins anew when the first start was cut short', async () => {
    rmSync(join(dataDir, 'postgres', 'db'), { recursive: true })
    mkdirSync(join(dataDir, 'postgres', 'db.new', 'half'), { recursive: true })
    expect((await start()).health().state).toBe('ok')
  })

  it('uses a short folder for its socket when the path is too long for one', async () => {
    const short = dataDir
    dataDir = join(short, 'x'.repeat(80))
    mkdirSync(dataDir, { mode: 0o711 })
    spawnSync('cp', ['-a', join(short, 'postgres'), dataDir])
    const server = await start()
    expect(server.connection.host.length).toBeLessThan(90)
    await write(server, 1)
    await server.stop()
    rmSync(server.connection.host, { recursive: true })
    dataDir = short
  })

  describe.runIf(asRoot)('under root, below a closed directory', () => {
    it('puts the records where PostgreSQL can reach them, says so, and finds them again', async () => {
      rmSync(join(dataDir, 'postgres'), { recursive: true })
      chmodSync(dataDir, 0o700)
      const fallbackRoot = openFolder()
      const options = { dataDir, fallbackRoot, say: (message: string) => said.push(message) }
      const place = preparePlace(options)
      expect(place.directory.startsWith(fallbackRoot)).toBe(true)
      expect(said.join()).toContain(`${dataDir} is closed`)
      const server = await startEmbedded(options)
      await write(server, 1)
      await server.stop()
      expect(said).toHaveLength(1)
      const again = await startEmbedded(options)
      expect(await read(again)).toEqual([1])
      await again.stop()
      rmSync(fallbackRoot, { recursive: true })
      expect(() => preparePlace(options)).toThrow(/are not there/)
    })

    it('names the directory in the way when records exist already', async () => {
      await (await start()).stop()
      chmodSync(dataDir, 0o700)
      await expect(start()).rejects.toMatchObject({
        code: 'DATA_UNREADABLE',
        message: expect.stringContaining(`chmod o+x ${dataDir}`) as string,
      })
    })

    it('copies the programs to the place when they lie below a closed directory', async () => {
      const home = openFolder()
      chmodSync(home, 0o700)
      const original = join(preparePlace({ dataDir, say: () => undefined }).bin, '..')
      spawnSync('cp', ['-a', original, join(home, 'native')])
      const options = {
        dataDir,
        nativeDir: join(home, 'native'),
        say: (message: string) => said.push(message),
      }
      const server = await startEmbedded(options)
      running.push(server)
      await write(server, 1)
      expect(said.join()).toMatch(/copied to .*native-[0-9a-f]{12}/)
      rmSync(home, { recursive: true })
    })
  })
})

/** The supervisor's shell (PostgreSQL's parent) and the shell that waits for our pipe to end (its other child). */
function supervisorsOf(pid: number): number[] {
  const parentOf = (each: number): number =>
    Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${each}/status`, 'utf8'))![1])
  const shell = parentOf(pid)
  const children = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim().split(' ').map(Number)
  return [shell, ...children.filter((each) => each !== pid)]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function gone(pid: number): Promise<void> {
  await until(() => !isAlive(pid))
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('it did not come')
    await sleep(20)
  }
}
