import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DEFAULT_POLICY } from '../../contract/down.ts'
import { makeSigner, makeTrust } from '../agent/act/signing.ts'
import { prepareAgent, startAgentProcess } from '../agent/agent-process.ts'
import { startStubServer, until } from '../agent/stub-server.ts'
import { programPath } from '../support/servers.ts'

const INTERVAL_S = 30
const TICKS_PER_SECOND = 100

/** What `zabbix_get` would be asked for by the template for Linux: one value each. */
const ZABBIX_ITEMS = [
  ...['user', 'system', 'iowait', 'steal', 'idle', 'nice', 'interrupt', 'softirq', 'guest'].map(
    (mode) => `system.cpu.util[,${mode}]`,
  ),
  ...['avg1', 'avg5', 'avg15'].map((span) => `system.cpu.load[all,${span}]`),
  ...['system.cpu.num', 'system.cpu.intr', 'system.cpu.switches', 'system.uptime', 'system.boottime'],
  ...['system.localtime', 'system.users.num', 'system.uname', 'system.sw.arch', 'system.hostname'],
  ...['total', 'available', 'pavailable'].map((mode) => `vm.memory.size[${mode}]`),
  ...['total', 'free', 'pfree'].map((mode) => `system.swap.size[,${mode}]`),
  ...['kernel.maxfiles', 'kernel.maxproc', 'proc.num', 'proc.num[,,run]', 'agent.ping', 'agent.version'],
  ...['vfs.fs.get', 'vfs.dev.discovery', 'net.if.discovery', 'vfs.file.cksum[/etc/passwd,sha256]'],
  ...['total', 'used', 'pused'].flatMap((mode) => [`vfs.fs.size[/,${mode}]`, `vfs.fs.inode[/,${mode}]`]),
  ...['', ',errors', ',dropped'].flatMap((mode) => [`net.if.in[lo${mode}]`, `net.if.out[lo${mode}]`]),
  'vfs.file.contents[/proc/diskstats]',
]

/**
 * The real agent at a true interval of 30 s against a local broker over mutual TLS, beside prometheus-node-exporter
 * (scraped each 30 s) and zabbix-agent2 (asked for the values of its Linux template each 30 s) at the same time.
 * CPU is utime + stime + those of reaped children from /proc/PID/stat. The start is left out: measuring begins when
 * the inventory is done. `privateMb` is Private_Dirty of smaps_rollup: memory that is this process's alone and has
 * to stay; `privateCleanMb` are pages of the executable that no other process has touched lately, which the kernel
 * may drop at any time; `nodePrivateMb` is `privateMb` of a Node that does nothing.
 */
export async function run(args: string[]): Promise<object> {
  const { values } = parseArgs({ args, options: { minutes: { type: 'string', default: '5' } } })
  const minutes = Number(values.minutes)
  if (!(minutes > 0)) throw new Error('--minutes must be a number over 0')
  const root = mkdtempSync(join(tmpdir(), 'vigia-bench-agent-'))
  const dataDir = join(root, 'agent')
  const address = { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }
  const stub = await startStubServer()
  const trust = makeTrust([makeSigner('approver')], [makeSigner('server')])
  await prepareAgent({ dataDir, stub, address, trust, policy: { ...DEFAULT_POLICY, intervalS: INTERVAL_S } })
  const children: ChildProcess[] = []
  const timers: NodeJS.Timeout[] = []
  let log = (): string => ''
  try {
    const agent = startAgentProcess(dataDir)
    children.push(agent.child)
    log = agent.stderr
    const bare = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1e6)'], { stdio: 'ignore' })
    children.push(bare)
    const peers = { exporter: await startExporter(root), zabbix: await startZabbix(root) }
    for (const peer of Object.values(peers)) if (peer) children.push(peer.child)
    await until('the inventory is done', () => agent.stderr().includes('the inventory is told'), 240_000)
    // What the inventory left to the garbage collector is part of the start.
    await pause(10_000)

    const ask = (): void => {
      for (const peer of Object.values(peers)) peer?.ask()
    }
    ask()
    timers.push(setInterval(ask, INTERVAL_S * 1000))
    const pids = {
      agent: pidOf(agent.child),
      exporter: pidOf(peers.exporter?.child),
      zabbix: pidOf(peers.zabbix?.child),
    }
    const forks = new Set<string>()
    timers.push(setInterval(() => childrenOf(pids.agent).forEach((pid) => forks.add(pid)), 20))
    const startedMs = performance.now()
    const before = figuresOf(pids)
    const reportsBefore = stub.of('report').length
    const factsBefore = stub.of('facts').length
    await pause(minutes * 60_000)
    const elapsedS = (performance.now() - startedMs) / 1000
    const after = figuresOf(pids)
    const reports = stub.of('report').slice(reportsBefore)
    if (reports.length === 0) throw new Error('no report came in the measured time')
    const perHour = (of: keyof typeof pids): number | null =>
      pids[of] === 0 ? null : round(((after[of].cpuS - before[of].cpuS) / elapsedS) * 3600)
    const cpuSecondsPerHour = perHour('agent') ?? NaN
    const exporterPerHour = perHour('exporter')
    const agentMemory = memoryOf(pids.agent)
    const largest = Math.max(...reports.map(({ bytes }) => bytes))
    return {
      rssMb: agentMemory.rssMb,
      privateMb: agentMemory.privateMb,
      cpuSecondsPerHour,
      cpuRatioToNodeExporter: exporterPerHour ? round(cpuSecondsPerHour / exporterPerHour) : null,
      // Minor faults of reaped children grow with every child that ends, however short its life.
      forksInHotLoop: Math.max(forks.size, after.agent.childFaults > before.agent.childFaults ? 1 : 0),
      bytesPerReport: round(reports.reduce((sum, { bytes }) => sum + bytes, 0) / reports.length),
      minutes,
      reports: reports.length,
      facts: stub.of('facts').length - factsBefore,
      largestReportBytes: largest,
      seriesInLargest: Math.max(...stub.reports().map((report) => report.values.length)),
      privateCleanMb: agentMemory.privateCleanMb,
      nodePrivateMb: memoryOf(pidOf(bare)).privateMb,
      nodeExporter: peers.exporter && { cpuSecondsPerHour: exporterPerHour, ...memoryOf(pids.exporter) },
      zabbixAgent2: peers.zabbix && {
        cpuSecondsPerHour: perHour('zabbix'),
        valuesAsked: peers.zabbix.answered(),
        ...memoryOf(pids.zabbix),
      },
    }
  } catch (thrown) {
    console.error(log())
    throw thrown
  } finally {
    timers.forEach(clearInterval)
    for (const child of children) child.kill('SIGKILL')
    await stub.close()
    rmSync(root, { recursive: true, force: true })
  }
}

type Peer = { child: ChildProcess; ask: () => void; answered: () => number }

async function startExporter(root: string): Promise<Peer | null> {
  const program = programPath('node-exporter')
  if (program === undefined) return null
  const port = await freePort()
  const child = spawn(program, [`--web.listen-address=127.0.0.1:${String(port)}`], {
    cwd: root,
    stdio: 'ignore',
  })
  let answered = 0
  const ask = (): void => {
    void fetch(`http://127.0.0.1:${String(port)}/metrics`)
      .then((answer) => answer.text())
      .then((text) => (answered = text.split('\n').length))
  }
  await waitForPort(port)
  return { child, ask, answered: () => answered }
}

async function startZabbix(root: string): Promise<Peer | null> {
  const program = programPath('zabbix-agent2')
  if (program === undefined) return null
  const port = await freePort()
  const configuration = join(root, 'zabbix.conf')
  writeFileSync(
    configuration,
    [
      'Server=127.0.0.1',
      'ListenIP=127.0.0.1',
      `ListenPort=${String(port)}`,
      'Hostname=bench',
      'LogType=console',
      `ControlSocket=${join(root, 'zabbix.sock')}`,
      `PidFile=${join(root, 'zabbix.pid')}`,
      '',
    ].join('\n'),
  )
  const child = spawn(program, ['-c', configuration, '-f'], { cwd: root, stdio: 'ignore' })
  const answered = new Set<string>()
  const ask = (): void => {
    for (const item of ZABBIX_ITEMS) void askZabbix(port, item).then((ok) => ok && answered.add(item))
  }
  await waitForPort(port)
  return { child, ask, answered: () => answered.size }
}

/** Zabbix' passive protocol: `ZBXD`, flags 1, length (u64, little endian), key; the answer has the same head. */
function askZabbix(port: number, item: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      const head = Buffer.alloc(13)
      head.write('ZBXD\x01', 'latin1')
      head.writeBigUInt64LE(BigInt(Buffer.byteLength(item)), 5)
      socket.write(Buffer.concat([head, Buffer.from(item)]))
    })
    let answer = ''
    socket.setEncoding('latin1').on('data', (part: string) => (answer += part))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer.length > 13 && !answer.includes('ZBX_NOTSUPPORTED')))
  })
}

function figuresOf<K extends string>(
  pids: Record<K, number>,
): Record<K, { cpuS: number; childFaults: number }> {
  const figures = Object.entries<number>(pids).map(([name, pid]) => {
    if (pid === 0) return [name, { cpuS: 0, childFaults: 0 }]
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
    // proc(5): fields from the third on; 11 is cminflt, 14 to 17 are utime, stime, cutime, cstime.
    const field = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const ticks = [14, 15, 16, 17].reduce((sum, number) => sum + (field[number - 3] ?? 0), 0)
    return [name, { cpuS: ticks / TICKS_PER_SECOND, childFaults: field[11 - 3] ?? 0 }]
  })
  return Object.fromEntries(figures) as Record<K, { cpuS: number; childFaults: number }>
}

function memoryOf(pid: number): { rssMb: number; privateMb: number; privateCleanMb: number } {
  const text = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'latin1')
  const kb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1])
  const mb = (name: string): number => round(kb(name) / 1024)
  return { rssMb: mb('Rss'), privateMb: mb('Private_Dirty'), privateCleanMb: mb('Private_Clean') }
}

function childrenOf(pid: number): string[] {
  const tasks = `/proc/${String(pid)}/task`
  // A dead agent shows in the figures that are read at the end.
  if (!existsSync(tasks)) return []
  return readdirSync(tasks).flatMap((task) => {
    try {
      return readFileSync(`${tasks}/${task}/children`, 'latin1')
        .split(' ')
        .filter((each) => each !== '')
    } catch {
      // The thread ended meanwhile.
      return []
    }
  })
}

/** A port that is free now; zabbix-agent2 takes none over 32767. */
async function freePort(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
  throw new Error('no free port between 20000 and 32000')
}

async function waitForPort(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (open) return
    await pause(100)
  }
  throw new Error(`nothing listens on port ${String(port)}`)
}

function pidOf(child: ChildProcess | undefined): number {
  return child?.pid ?? 0
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
