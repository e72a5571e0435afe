import { hash as digest } from 'node:crypto'
import { watchArrivals } from './state/arrivals.ts'
import { NO_LABELS, type Collector } from './collector.ts'
import type { Reader } from './source/read.ts'
import type { WindowsPosture } from './source/windows-posture.ts'

/** Where an administrator or an intruder puts what runs by time; systemd's links to packaged timers are none. */
const FOLDERS: readonly [string, RegExp][] = [
  ['/etc/cron.d', /^[\w-]+$/],
  ['/etc/cron.hourly', /^[\w-]+$/],
  ['/etc/cron.daily', /^[\w-]+$/],
  ['/etc/cron.weekly', /^[\w-]+$/],
  ['/etc/cron.monthly', /^[\w-]+$/],
  ['/var/spool/cron/crontabs', /^[^.]/],
  ['/var/spool/cron', /^[^.]/],
  ['/etc/systemd/system', /\.timer$/],
  ['/Library/LaunchDaemons', /\.plist$/],
  ['/Library/LaunchAgents', /\.plist$/],
]
const FILES = ['/etc/crontab']
const STATUS = '/var/lib/dpkg/status'
const STATUS_BYTES = 64 * 1024 * 1024
const TASK_BYTES = 1024 * 1024

/**
 * Scheduled tasks that came or changed in the last 24 hours: cron's folders and tables, timers of /etc/systemd/system,
 * launchd's folders, Windows' tasks outside \Microsoft. What stands as a Debian package brought it (its digest in dpkg's
 * status file) is left out, so that an update is no news.
 */
export const scheduledTask: Collector = {
  name: 'scheduled-task',
  intervalS: 900,
  metrics: ['security.tasks_added_24h_count'],
  create({ reader, dataDir, log, windows }) {
    const arrivals = watchArrivals({ dataDir, name: 'scheduled-tasks', log })
    const owned = new Map<string, boolean>()
    let posture: WindowsPosture | undefined
    let packaged: { mtimeMs: number; digests: Map<string, string> } | undefined

    /** dpkg's file is read only when there is a task whose origin is not known yet. */
    const isPackaged = (path: string, mtimeMs: number): boolean => {
      if (packaged?.mtimeMs !== mtimeMs)
        packaged = { mtimeMs, digests: parseConffiles(reader.text(STATUS, STATUS_BYTES) ?? '') }
      const wanted = packaged.digests.get(path)
      const bytes = wanted === undefined ? undefined : reader.bytes(path, 0, TASK_BYTES)
      return bytes !== undefined && digest('md5', bytes, 'hex') === wanted
    }

    return {
      async prepare() {
        posture = await windows()
      },
      collect(sink, nowMs) {
        const tasks = posture?.tasks ?? readTasks(reader)
        const changedAtMs = reader.stat(STATUS)?.mtimeMs ?? 0
        const own = tasks?.filter((task) => {
          const key = `${task} ${String(changedAtMs)}`
          const known = owned.get(key) ?? isPackaged(task.split(' ')[0] ?? task, changedAtMs)
          if (owned.size > 10_000) owned.clear()
          owned.set(key, known)
          return !known
        })
        sink.set(
          'security.tasks_added_24h_count',
          NO_LABELS,
          own === undefined ? undefined : arrivals(own, nowMs).added,
        )
      },
    }
  },
}

/** Each task as its path and the second of its change; undefined where no place for tasks can be read. */
function readTasks(reader: Reader): string[] | undefined {
  let readable = false
  const vouched = reader.exists(STATUS)
  const found: string[] = []
  const add = (path: string): void => {
    const stat = reader.stat(path)
    if (!stat?.isFile()) return
    // Where dpkg cannot vouch for what an update changed, only a new file is news; people's own tables always are.
    const dated = vouched || path.startsWith('/var/spool/')
    found.push(dated ? `${path} ${String(Math.floor(stat.mtimeMs / 1000))}` : path)
  }
  for (const [folder, names] of FOLDERS) {
    const listed = reader.list(folder)
    readable ||= listed !== undefined
    for (const name of listed ?? [])
      if (names.test(name) && reader.link(`${folder}/${name}`) === undefined) add(`${folder}/${name}`)
  }
  for (const path of FILES) add(path)
  return readable ? found : undefined
}

/** Configuration files about tasks and their MD5 as packages brought them: `Conffiles:` in dpkg's status file. */
export function parseConffiles(status: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [, path, md5] of status.matchAll(/^ (\/\S*(?:cron|\.timer)\S*) ([0-9a-f]{32})\b/gm))
    if (path !== undefined && md5 !== undefined) found.set(path, md5)
  return found
}
