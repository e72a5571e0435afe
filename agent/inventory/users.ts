import { nothing, type InventoryPart } from './part.ts'

/** An account that a person may use. `admin` tells that it is root's equal or in a group that may become root. */
export type Account = { name: string; uid: number; shell: string; admin: boolean }

const ADMIN_GROUPS = new Set(['sudo', 'wheel', 'admin', 'root'])
const NO_LOGIN = /\/(?:nologin|false|sync|shutdown|halt)$/

/**
 * Local accounts with a login shell, from /etc/passwd and /etc/group (passwd(5), group(5)): root's number, and those
 * of people (1000 to 59999).
 */
export function parseAccounts(passwd: string, group: string): Account[] {
  const groups = group.split('\n').map((line) => line.split(':'))
  const admins = new Set(
    groups.flatMap(([name, , , members]) => (ADMIN_GROUPS.has(name ?? '') ? (members ?? '').split(',') : [])),
  )
  const adminIds = new Set(groups.flatMap(([name, , id]) => (ADMIN_GROUPS.has(name ?? '') ? [id] : [])))
  return passwd.split('\n').flatMap((line) => {
    const [name, , id, groupId, , , shell] = line.split(':')
    if (!name || id === undefined || shell === undefined || NO_LOGIN.test(shell)) return []
    const uid = Number(id)
    if (uid !== 0 && (uid < 1000 || uid >= 60_000)) return []
    return [{ name, uid, shell: shell.trim(), admin: uid === 0 || admins.has(name) || adminIds.has(groupId) }]
  })
}

/** The users' document: local accounts, and who is logged in. */
export function usersPart(
  passwd: string | undefined,
  group: string | undefined,
  loggedIn: readonly { user: string; tty: string; date: string; time: string; ip: string }[],
): InventoryPart {
  if (passwd === undefined) return nothing('users', '/etc/passwd cannot be read')
  return {
    kind: 'users',
    document: {
      accounts: parseAccounts(passwd, group ?? ''),
      loggedIn: loggedIn.map(({ user, tty, date, time, ip }) => ({
        user,
        tty,
        since: `${date} ${time}`.trim(),
        ip,
      })),
    },
    samples: [],
    unavailable: group === undefined ? [{ part: 'users.groups', reason: '/etc/group cannot be read' }] : [],
  }
}
