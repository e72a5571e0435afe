import type { Collector, Labels } from './collector.ts'
import { readDropIns, refuseFaults } from './source/drop-in.ts'
import type { Reader } from './source/read.ts'

/** A backup that the device declares in backups.d/*.json: where its newest file shows that it ran. */
export type BackupDeclaration = { name: string; path: string; maxAgeHours: number }

/** Peers' default: two nights without a backup. */
const MAX_AGE_HOURS = 48
/** As many files of a folder are looked at; a folder with more should be declared by a marker file. */
const MOST_FILES = 5000

/** Parses a declaration: `name`, `path` (a folder of backups) or `markerFile`, `maxAgeHours` (48). Throws every fault. */
export function parseBackup(value: Record<string, unknown>): BackupDeclaration {
  const { name, path, markerFile, maxAgeHours = MAX_AGE_HOURS } = value
  const isName = typeof name === 'string' && /^[\w .:@/-]{1,100}$/.test(name)
  const place = markerFile ?? path
  const isPlace = typeof place === 'string' && /^(?:\/|[A-Za-z]:[\\/])/.test(place)
  const isAge = typeof maxAgeHours === 'number' && maxAgeHours > 0 && maxAgeHours <= 10_000
  refuseFaults([
    !isName && 'name: 1 to 100 letters, digits, spaces or .:@/-_ are wanted',
    path !== undefined && markerFile !== undefined && 'either path or markerFile, not both',
    !isPlace && 'path or markerFile: an absolute path is wanted',
    !isAge && 'maxAgeHours: a number over 0 is wanted',
  ])
  return { name: name as string, path: place as string, maxAgeHours: maxAgeHours as number }
}

/**
 * Age of the newest file of each declared backup, also over the age that is allowed. A place that cannot be read is
 * unavailable; one that can and holds nothing says that no backup exists.
 */
export const backup: Collector = {
  name: 'backup',
  intervalS: 900,
  metrics: ['backup.exists', 'backup.age_seconds', 'backup.age_ratio'],
  create({ reader, dataDir, log }) {
    const told = new Map<string, string>()
    const labels = new Map<string, Labels>()
    return {
      collect(sink, nowMs) {
        const declared = readDropIns({ dataDir, folder: 'backups.d', parse: parseBackup, log, told })
        const byName = new Map(declared.map((each) => [each.name, each]))
        for (const { name, path, maxAgeHours } of byName.values()) {
          const known = labels.get(name) ?? { backup: name }
          labels.set(name, known)
          const newest = newestOf(reader, path)
          const ageMs = typeof newest === 'number' ? Math.max(0, nowMs - newest) : undefined
          sink.set('backup.exists', known, newest === 'unreadable' ? undefined : newest === undefined ? 0 : 1)
          sink.set('backup.age_seconds', known, ageMs === undefined ? undefined : ageMs / 1000)
          sink.set(
            'backup.age_ratio',
            known,
            ageMs === undefined ? undefined : ageMs / (maxAgeHours * 3_600_000),
          )
        }
      },
    }
  },
}

/** Newest modification time at a place, one folder deep; undefined when it is empty or a marker that never came. */
function newestOf(reader: Reader, path: string): number | undefined | 'unreadable' {
  const stat = reader.stat(path)
  const names = reader.list(path)
  if (names === undefined) {
    if (stat !== undefined) return stat.isFile() ? stat.mtimeMs : 'unreadable'
    const above = path.slice(0, path.search(/[\\/][^\\/]*$/)) || '/'
    return reader.list(above) === undefined ? 'unreadable' : undefined
  }
  let newest: number | undefined
  for (const name of names.slice(-MOST_FILES)) {
    const time = reader.stat(`${path}/${name}`)?.mtimeMs
    if (time !== undefined && (newest === undefined || time > newest)) newest = time
  }
  return newest
}
