import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'

/** The graphical session of a person on this machine: whose it is, and how a program gets a window there. */
export type Desktop = { uid: number; gid: number; home: string; env: Record<string, string> }

/** What a program needs to show a window, and nothing that would change what it is. */
const CARRIED = [
  'DISPLAY',
  'XAUTHORITY',
  'WAYLAND_DISPLAY',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'LANG',
  'LC_ALL',
  'LC_MESSAGES',
]
/** Below are accounts of the system, such as the one that shows the login screen; root may sit at a screen too. */
const FIRST_PERSON = 1000
const NOBODY = 65_534

export type Session = { uid: number; display: string }

/**
 * The desktop of the person who sits at the screen, or undefined: the agent's own when it was started from one; else by
 * systemd-logind, which knows who is active at a
 * seat; on machines without it, by the processes that have a display whose socket is there.
 */
export async function findDesktop(
  root = '/',
  ownEnvironment: NodeJS.ProcessEnv = process.env,
): Promise<Desktop | undefined> {
  const own = carriedOf(Object.entries(ownEnvironment))
  if (hasSocket(root, own)) return desktopOf(root, process.getuid?.() ?? 0, own)
  const sessions = await logindSessions()
  const all = processesOf(root)
  for (const session of sessions ?? []) {
    const mine = all.filter(({ uid }) => uid === session.uid)
    const best =
      mine.find(({ env }) => session.display !== '' && env['DISPLAY'] === session.display) ??
      mine.find(({ env }) => env['WAYLAND_DISPLAY'] !== undefined) ??
      mine[0]
    if (best) return desktopOf(root, best.uid, best.env)
  }
  if (sessions !== undefined) return undefined
  // Who has most windows is who sits there.
  const counted = new Map<string, { count: number; uid: number; env: Record<string, string> }>()
  for (const { uid, env } of all) {
    if ((uid !== 0 && uid < FIRST_PERSON) || uid === NOBODY || !hasSocket(root, env)) continue
    const key = `${uid} ${env['DISPLAY'] ?? ''} ${env['WAYLAND_DISPLAY'] ?? ''}`
    const known = counted.get(key)
    if (known) known.count += 1
    else counted.set(key, { count: 1, uid, env })
  }
  const [first] = [...counted.values()].sort((a, b) => b.count - a.count || (a.uid === 0 ? 1 : -1))
  return first && desktopOf(root, first.uid, first.env)
}

/** Active graphical sessions of people (loginctl(1)); undefined where logind does not run. */
async function logindSessions(): Promise<Session[] | undefined> {
  const list = await run('loginctl', ['list-sessions', '--no-legend', '--no-pager'])
  if (list === undefined) return undefined
  const sessions: Session[] = []
  for (const line of list.split('\n')) {
    const [id] = line.trim().split(/\s+/)
    if (id === undefined || id === '') continue
    const text = await run('loginctl', ['show-session', id])
    const session = text === undefined ? undefined : readSession(text)
    if (session) sessions.push(session)
  }
  return sessions
}

/** A session from the answer of `loginctl show-session`; undefined when nobody sits at it or it has no screen. */
export function readSession(text: string): Session | undefined {
  const of = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? ''
  const graphical = ['x11', 'wayland', 'mir'].includes(of('Type'))
  if (!graphical || of('Class') !== 'user' || of('Active') !== 'yes' || of('Remote') === 'yes')
    return undefined
  return { uid: Number(of('User')), display: of('Display') }
}

/** Processes that have a screen, with whose they are and what they know of it. */
function processesOf(root: string): { uid: number; env: Record<string, string> }[] {
  const proc = join(root, 'proc')
  return readdirSync(proc).flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    try {
      const env = readEnvironment(readFileSync(join(proc, name, 'environ'), 'utf8'))
      if (env['DISPLAY'] === undefined && env['WAYLAND_DISPLAY'] === undefined) return []
      return [{ uid: statSync(join(proc, name)).uid, env }]
    } catch (thrown) {
      // Gone meanwhile, or of another user while the agent is not root.
      if (thrown instanceof Error && 'code' in thrown) return []
      throw thrown
    }
  })
}

function readEnvironment(text: string): Record<string, string> {
  return carriedOf(
    text.split('\0').map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, Math.max(0, at)), pair.slice(at + 1)]
    }),
  )
}

/** What is set but empty counts as not set, as for the programs that read it. */
function carriedOf(pairs: readonly [string, string | undefined][]): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [name, value = ''] of pairs)
    if (CARRIED.includes(name) && value !== '' && value.length < 1000) env[name] = value
  return env
}

/** X(7): display :N of this machine listens on /tmp/.X11-unix/XN; a Wayland one in XDG_RUNTIME_DIR. */
function hasSocket(root: string, env: Record<string, string>): boolean {
  const number = /^(?:unix)?:(\d+)(?:\.\d+)?$/.exec(env['DISPLAY'] ?? '')?.[1]
  if (number !== undefined && isThere(join(root, 'tmp/.X11-unix', `X${number}`))) return true
  const { WAYLAND_DISPLAY: name, XDG_RUNTIME_DIR: folder } = env
  return (
    name !== undefined && folder !== undefined && !name.includes('/') && isThere(join(root, folder, name))
  )
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

/** passwd(5): name, password, uid, gid, comment, home, shell. */
function desktopOf(root: string, uid: number, env: Record<string, string>): Desktop {
  const line = readFileSync(join(root, 'etc/passwd'), 'utf8')
    .split('\n')
    .map((each) => each.split(':'))
    .find((fields) => fields[2] === String(uid))
  const own = uid === process.getuid?.() ? userInfo() : undefined
  return { uid, gid: Number(line?.[3] ?? own?.gid ?? uid), home: line?.[5] ?? own?.homedir ?? '/', env }
}

function run(file: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 5000, maxBuffer: 1024 * 1024 }, (fault, stdout) =>
      resolve(fault ? undefined : stdout),
    )
  })
}
