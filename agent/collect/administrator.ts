import { watchArrivals } from './state/arrivals.ts'
import { NO_LABELS, type Collector } from './collector.ts'
import type { WindowsPosture } from './source/windows-posture.ts'

const ADMIN_GROUPS = /^(?:sudo|wheel|admin|root)$/

/**
 * Accounts with the rights of an administrator and how many gained them in the last 24 hours: members of sudo, wheel,
 * admin and root, whoever has one of these as their own group, and every account with the number 0 (/etc/passwd,
 * /etc/group); on Windows the local group Administrators. Rights by sudoers files and directories are not seen.
 */
export const administrator: Collector = {
  name: 'administrator',
  intervalS: 300,
  metrics: ['security.administrators_count', 'security.admin_added_24h_count'],
  create({ reader, dataDir, log, windows }) {
    const arrivals = watchArrivals({ dataDir, name: 'administrators', log })
    let posture: WindowsPosture | undefined
    return {
      async prepare() {
        posture = await windows()
      },
      collect(sink, nowMs) {
        const passwd = reader.text('/etc/passwd')
        const group = reader.text('/etc/group')
        const names =
          posture?.administrators ??
          (passwd === undefined || group === undefined ? undefined : administratorsOf(passwd, group))
        const added = names === undefined ? undefined : arrivals(names, nowMs).added
        sink.set('security.administrators_count', NO_LABELS, names?.length)
        sink.set('security.admin_added_24h_count', NO_LABELS, added)
      },
    }
  },
}

/** Names in order of the files passwd(5) and group(5), each once. */
export function administratorsOf(passwd: string, group: string): string[] {
  const found = new Set<string>()
  const groupIds = new Set<string>()
  for (const line of group.split('\n')) {
    const [name, , id, members] = line.split(':')
    if (!ADMIN_GROUPS.test(name ?? '')) continue
    if (id) groupIds.add(id)
    for (const member of members?.trim().split(',') ?? []) if (member !== '') found.add(member)
  }
  for (const line of passwd.split('\n')) {
    const [name, , id, groupId] = line.split(':')
    if (name && (id === '0' || (groupId !== undefined && groupIds.has(groupId) && isPerson(line))))
      found.add(name)
  }
  return [...found]
}

/** sync, shutdown and their like have root's group and no way to log in. */
function isPerson(line: string): boolean {
  return !/\/(?:nologin|false|sync|shutdown|halt)\s*$/.test(line)
}
