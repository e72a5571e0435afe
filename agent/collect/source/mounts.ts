/** One line of /proc/self/mountinfo, as far as it matters here. */
export type Mount = {
  device: string
  root: string
  mount: string
  fs: string
  source: string
  readonly: boolean
}

/** File systems that hold data on a device of this machine. Network ones may hang in statfs(2), so they are left out. */
const REAL = new Set([
  'apfs',
  'bcachefs',
  'btrfs',
  'exfat',
  'ext2',
  'ext3',
  'ext4',
  'f2fs',
  'fuseblk',
  'hfsplus',
  'jfs',
  'msdos',
  'nilfs2',
  'ntfs',
  'ntfs3',
  'reiserfs',
  'ufs',
  'vfat',
  'xfs',
  'zfs',
])

const NETWORK =
  /^(nfs\d?|cifs|smb\d?|9p|ceph|glusterfs|lustre|afs|ncpfs|fuse\.(?:sshfs|glusterfs|rclone|s3fs))$/

/** Parses /proc/self/mountinfo (proc_pid_mountinfo(5)). Lines that are none are left out. */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    const dash = fields.indexOf('-', 6)
    const [, , device, root, mount, options] = fields
    const [fs, source, superOptions] = dash < 0 ? [] : fields.slice(dash + 1)
    if (!device || !root || !mount || !options || !fs || source === undefined) return []
    const readonly = hasOption(options, 'ro') || hasOption(superOptions ?? '', 'ro')
    return [{ device, root: unescape(root), mount: unescape(mount), fs, source: unescape(source), readonly }]
  })
}

/**
 * The mounts to watch: real file systems, once by device (of several mounts of one, the one of the whole file
 * system with the shortest path), the root whatever it is made of, and those that `include` names. A mount that
 * lies under a later one at the same place cannot be seen, so the last one counts. Sorted by mount point.
 */
export function watchedMounts(mounts: readonly Mount[], include: readonly string[]): Mount[] {
  const visible = new Map(mounts.map((each) => [each.mount, each]))
  const byDevice = new Map<string, Mount>()
  const chosen: Mount[] = []
  for (const each of visible.values()) {
    if (NETWORK.test(each.fs)) continue
    if (include.includes(each.mount)) chosen.push(each)
    else if (each.mount === '/' || (REAL.has(each.fs) && !each.source.startsWith('/dev/loop'))) {
      const known = byDevice.get(each.device)
      if (known === undefined || isBetter(each, known)) byDevice.set(each.device, each)
    }
  }
  return [...chosen, ...byDevice.values()].sort((a, b) => (a.mount < b.mount ? -1 : 1))
}

function isBetter(a: Mount, b: Mount): boolean {
  if (a.mount === '/' || b.mount === '/') return a.mount === '/'
  if ((a.root === '/') !== (b.root === '/')) return a.root === '/'
  return a.mount.length < b.mount.length || (a.mount.length === b.mount.length && a.mount < b.mount)
}

function hasOption(options: string, name: string): boolean {
  return (
    options === name ||
    options.startsWith(`${name},`) ||
    options.endsWith(`,${name}`) ||
    options.includes(`,${name},`)
  )
}

/** Space, tab, newline, backslash and # stand as octal escapes. */
function unescape(text: string): string {
  return text.includes('\\')
    ? text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    : text
}
