import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { JobView } from '../../contract/incident.ts'
import { FINAL } from '../../cli/work/follow.ts'
import { floodOnce } from '../bench/output/flood.ts'
import { inOrder, listen, percentile } from '../bench/output/listen.ts'
import { approve, talk } from '../bench/output/printers.ts'
import { bind, suiteOnSmallDisk, unbind } from '../server/store/small-disk.ts'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'

/** What scripts do that mean no good, or were written badly. `sleep SECONDS` tells each kind's processes apart. */
const KINDS = {
  bytes: String.raw`printf 'caf\351 \377\376 here\n'; head -c 100000 /dev/urandom; printf 'that was all\n'`,
  line: `head -c 52428800 /dev/zero | tr '\\0' x; printf END`,
  daemon: `setsid sleep 3001 > /dev/null 2>&1 & echo 'it goes on'`,
  detach: `setsid sh -c 'sleep 3002 & sleep 3002' & (env -i setsid sleep 3002 &); sleep 3002`,
  stubborn: `trap '' TERM INT HUP; echo 'you cannot end me'; while :; do sleep 3003; done`,
  disk: `i=0; while :; do head -c 1000000 /dev/zero > $VIGIA_AGENT_DATA/filler-$i || sleep 3004; i=$((i+1)); sleep 0.02; done`,
  file: `head -c 40000000 /dev/zero > $VIGIA_AGENT_DATA/one-file; exit $?`,
  memory: `python3 -c 'import time; x = bytearray(400 << 20); x[::4096] = b"1" * len(x[::4096]); time.sleep(300)' & sleep 3005`,
}
type Kind = keyof typeof KINDS
const TIMEOUT_S = 6

const LEFT_OUT = /\n\[… (\d+) bytes left out …\]\n/

suiteOnSmallDisk('scripts from the order to what the technician reads', 160, (disk) => {
  let vigia: Installation
  let device: string

  const order = (kind: Kind): Promise<JobView> =>
    vigia.server.call('createJob', { body: { device, script: 'hostile', parameters: { kind } } })
  const job = (id: string): Promise<JobView> => vigia.server.call('job', { params: { id } })
  const end = (id: string): Promise<JobView> =>
    eventually('the end of the job', 60_000, async () => {
      const now = await job(id)
      return FINAL.includes(now.state) && now
    })
  const agentDir = (): string => join(vigia.dataDir, 'agent')

  beforeAll(async () => {
    vigia = await createInstallation()
    bind(disk(), agentDir())
    await vigia.start()
    device = await eventually('the local agent', 60_000, async () => {
      const { devices } = await vigia.server.call('devices', { query: {} })
      return devices.find(({ online }) => online)?.id
    })
    await vigia.server.call('setPolicy', { params: { device }, body: { intervalS: 1 } })
    const folder = join(vigia.dataDir, '..')
    const cases = Object.entries(KINDS).map(([kind, body]) => `${kind})\n${body}\n;;`)
    writeFileSync(join(folder, 'hostile.sh'), `case $VIGIA_PARAM_KIND in\n${cases.join('\n')}\nesac\n`)
    const about = {
      ...{ name: 'hostile', version: 1, title: 'Hostile', description: 'Does what it should not.' },
      ...{
        interpreter: 'sh',
        systems: ['linux'],
        timeoutS: TIMEOUT_S,
        idempotent: false,
        changes: 'too much',
      },
      ...{ successCodes: [0], limits: { memoryMb: 150, processes: 64, writtenMb: 20 } },
      parameters: { kind: { type: 'choice', choices: Object.keys(KINDS), help: '' } },
    }
    writeFileSync(join(folder, 'hostile.yaml'), JSON.stringify(about))
    const approved = vigia.vigia('approve', join(folder, 'hostile.yaml'), '--yes')
    expect(approved.code, approved.stderr).toBe(0)
  }, 180_000)
  afterAll(async () => {
    await vigia.stop()
    unbind(agentDir())
    await vigia.remove()
    for (const pid of processesOf('sleep 300')) process.kill(pid, 'SIGKILL')
  }, 60_000)

  it('what is told on both streams comes whole, in order and soon', { timeout: 60_000 }, async () => {
    const { lines, live } = await listen(
      vigia,
      device,
      approve(vigia, 'talk', talk({ seconds: 1, everyMs: 10 })),
    )
    expect(lines.length).toBeGreaterThan(20)
    expect(live.skipped).toBe(0)
    expect(inOrder(lines)).toBe(true)
    expect(lines.map(({ number }) => number).sort((a, b) => a - b)).toEqual(lines.map((_, at) => at))
    const lagMs = percentile(
      lines.map((line) => line.lagMs),
      0.5,
    )
    expect(lagMs).toBeLessThan(500)
  })

  it(
    'a flood costs no process much; head and tail are kept, the middle is counted',
    { timeout: 90_000 },
    async () => {
      const figures = await floodOnce(vigia, device, 128)
      expect(figures).toMatchObject({ headAndTailKept: true, middleCounted: true })
      expect(figures.serverPeakMb).toBeLessThan(100)
      expect(figures.agentPeakMb - figures.agentBeforeMb).toBeLessThan(40)
      expect(figures.runnerPeakMb).toBeLessThan(200)
      // A report is due each second; nothing but a busy machine holds one up.
      expect(figures.sampleGapS).toBeLessThan(10)
    },
  )

  it('bytes that are no text, and one line of 50 MB', { timeout: 60_000 }, async () => {
    const [bytes, line] = await Promise.all([order('bytes'), order('line')])
    const strange = await end(bytes.id)
    expect(strange).toMatchObject({ state: 'succeeded', exitCode: 0, stdoutBytes: 13 + 100_000 + 13 })
    expect(strange.stdout).toMatch(/^caf\uFFFD \uFFFD+ here\n/)
    expect(strange.stdout).toMatch(/that was all\n$/)
    const long = await end(line.id)
    expect(long).toMatchObject({ state: 'succeeded', exitCode: 0, stdoutBytes: 52_428_803 })
    expect(long.stdout).toMatch(/^x+\n\[… \d+ bytes left out …\]\nx+END$/)
    const kept = long.stdout.replace(LEFT_OUT, '').length
    expect(Number(LEFT_OUT.exec(long.stdout)?.[1])).toBe(52_428_803 - kept)

    const followed = vigia.vigia('run', 'hostile', '--device', device, '--kind', 'line', '--yes', '--follow')
    expect(followed.code, followed.stderr).toBe(0)
    expect(followed.stdout).toMatch(/^x+END/)
    const left = [...followed.stderr.matchAll(new RegExp(LEFT_OUT, 'g'))].map(([, bytes]) => Number(bytes))
    const shown = followed.stdout.lastIndexOf('END') + 3
    expect(shown + left.reduce((sum, bytes) => sum + bytes, 0)).toBe(52_428_803)
  })

  it(
    'processes that leave, that do not listen, that eat: each ends, and it is said why',
    { timeout: 90_000 },
    async () => {
      const [stubborn, detach, memory, file, daemon] = await Promise.all([
        order('stubborn'),
        order('detach'),
        order('memory'),
        order('file'),
        order('daemon'),
      ])
      await eventually('it runs', 30_000, async () => processesOf('sleep 3003').length > 0)
      await vigia.server.call('cancelJob', { params: { id: stubborn.id } })
      expect(await end(stubborn.id)).toMatchObject({
        state: 'cancelled',
        exitCode: null,
        reason: 'cancelled by the server',
      })
      expect(await end(detach.id)).toMatchObject({
        state: 'failed',
        exitCode: null,
        reason: `SCRIPT_TIMEOUT: The script took longer than ${TIMEOUT_S} s`,
      })
      expect(await end(memory.id)).toMatchObject({
        state: 'failed',
        exitCode: null,
        reason: expect.stringMatching(
          /^SCRIPT_LIMIT: .*used more than it may: memory: \d+ MB of at most 150 MB$/,
        ) as string,
      })
      expect(await end(file.id)).toMatchObject({
        state: 'failed',
        exitCode: null,
        reason: expect.stringContaining('a file of more than 20 MB') as string,
      })
      // What a script leaves behind at an end of its own lives on: services are restarted so. It is said.
      expect(await end(daemon.id)).toMatchObject({
        state: 'succeeded',
        exitCode: 0,
        reason: 'exit code 0; 1 process of it left running',
        stdout: 'it goes on\n',
      })
      expect(processesOf('sleep 3001')).toHaveLength(1)
      for (const gone of ['sleep 3002', 'sleep 3003', 'sleep 3005']) expect(processesOf(gone)).toEqual([])
    },
  )

  it('a script that fills the disk of the agent leaves it room to go on', { timeout: 60_000 }, async () => {
    const { id } = await order('disk')
    expect(await end(id)).toMatchObject({
      state: 'failed',
      exitCode: null,
      reason: expect.stringMatching(
        /^SCRIPT_LIMIT: .*used more than it may: disk: \d+ bytes are left/,
      ) as string,
    })
    expect(processesOf('sleep 3004')).toEqual([])
    const sinceMs = Date.now()
    await eventually('a report of the agent', 20_000, async () => {
      const { latest } = await vigia.server.call('device', { params: { device } })
      return latest.some(({ timeMs }) => timeMs > sinceMs)
    })
    for (const name of readdirSync(agentDir()).filter((each) => each.startsWith('filler')))
      rmSync(join(agentDir(), name))
    // It is the same agent all along.
    expect(vigia.output()).not.toMatch(/starting again/)
  })
})

/** The processes whose command line begins with these words. */
function processesOf(words: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && commandOf(pid).startsWith(words))
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    // Gone meanwhile.
    return ''
  }
}
