import type { Collector, Labels } from './collector.ts'
import { parseMountinfo, watchedMounts } from './source/mounts.ts'

type Watched = { labels: Labels; path: string; readonly: boolean }

/** Space and inodes of each watched mount by statfs(2), counted as df(1) does. */
export const disk: Collector = {
  name: 'disk',
  metrics: [
    'disk.used_percent',
    'disk.free_bytes',
    'disk.total_bytes',
    'disk.inodes_used_percent',
    'disk.readonly',
  ],
  create({ reader, statfs, policy }) {
    let seen: { text: string; include: readonly string[] } | undefined
    let watched: Watched[] = []
    return {
      collect(sink) {
        const text = reader.text('/proc/self/mountinfo', 8 * 1024 * 1024) ?? ''
        const include = policy().includeMounts
        if (seen?.text !== text || seen.include !== include) {
          seen = { text, include }
          watched = watchedMounts(parseMountinfo(text), include).map(({ mount, fs, readonly }) => ({
            labels: { mount, fs },
            path: reader.real(mount),
            readonly,
          }))
        }
        for (const { labels, path, readonly } of watched) {
          const stat = statfs(path)
          const used = stat && stat.blocks - stat.bfree
          const reachable = stat && used !== undefined ? used + stat.bavail : 0
          sink.set(
            'disk.used_percent',
            labels,
            used !== undefined && reachable > 0 ? (100 * used) / reachable : undefined,
          )
          sink.set('disk.free_bytes', labels, stat && stat.bavail * stat.bsize)
          sink.set('disk.total_bytes', labels, stat && stat.blocks * stat.bsize)
          sink.set(
            'disk.inodes_used_percent',
            labels,
            stat && stat.files > 0 ? (100 * (stat.files - stat.ffree)) / stat.files : undefined,
          )
          sink.set('disk.readonly', labels, readonly ? 1 : 0)
        }
      },
    }
  },
}
