import { NO_LABELS, type Collector } from './collector.ts'

/**
 * Whether the system asks for a restart: the flag that Debian's and Ubuntu's packages set, or a newer kernel of the
 * running one's flavour in /lib/modules (or the running one gone from there). Unavailable where neither can tell.
 */
export const pendingReboot: Collector = {
  name: 'pending-reboot',
  intervalS: 900,
  metrics: ['system.pending_reboot'],
  create: ({ reader }) => ({
    collect(sink) {
      const flagged = reader.exists('/run/reboot-required') || reader.exists('/var/run/reboot-required')
      const running = reader.text('/proc/sys/kernel/osrelease', 256)?.trim()
      const installed = reader.list('/lib/modules') ?? reader.list('/usr/lib/modules')
      const kernel = running === undefined || !installed ? undefined : isKernelOld(running, installed)
      sink.set(
        'system.pending_reboot',
        NO_LABELS,
        flagged ? 1 : kernel === undefined ? undefined : kernel ? 1 : 0,
      )
    },
  }),
}

/** Undefined when no kernel of this flavour is installed at all, as in a container or under another's kernel. */
export function isKernelOld(running: string, installed: readonly string[]): boolean | undefined {
  const flavour = flavourOf(running)
  const same = installed.filter((version) => flavourOf(version) === flavour)
  if (same.length === 0) return undefined
  return same.some((version) => compareVersions(version, running) > 0)
}

/**
 * The words in a version without their numbers: `amd`, `cloud-amd`, `el-x`, `arch`. Those of ARM's variants (v7l, v8)
 * keep theirs; words that mark a build (rc1, deb12) are none.
 */
function flavourOf(version: string): string {
  return (version.match(/[a-z][a-z0-9]*/gi) ?? [])
    .map((word) => (/^v\d+l?$/.test(word) ? word : word.replace(/\d+/g, '')))
    .filter((word) => word !== 'rc' && word !== 'deb')
    .join('-')
}

/** Compares as people do: numbers as numbers, the rest as text. */
function compareVersions(a: string, b: string): number {
  const partsA = a.match(/\d+|\D+/g) ?? []
  const partsB = b.match(/\d+|\D+/g) ?? []
  for (let i = 0; i < Math.max(partsA.length, partsB.length); i++) {
    const [x = '', y = ''] = [partsA[i], partsB[i]]
    const numeric = /^\d/.test(x) && /^\d/.test(y) ? Number(x) - Number(y) : 0
    if (numeric !== 0) return numeric
    if (x !== y && !/^\d/.test(x + y)) return x < y ? -1 : 1
  }
  return partsA.length - partsB.length
}
