import { NO_LABELS, type Collector } from './collector.ts'
import { listProcesses } from './source/process-stat.ts'
import type { Reader } from './source/read.ts'

/** A TCP port in state listen. `process` is null where the process cannot be told (needs the rights of root). */
export type ListeningPort = { address: string; port: number; process: string | null }

type Socket = { address: string; port: number; inode: string }

/** State TCP_LISTEN of the kernel, as /proc/net/tcp writes it. */
const LISTEN = '0A'

/** Listening TCP ports from /proc/net/tcp and tcp6, as a count and, when they change, as the document `ports`. */
export const port: Collector = {
  name: 'port',
  intervalS: 900,
  metrics: ['port.listening_count'],
  create({ reader }) {
    let seen: string | undefined
    return {
      collect(sink) {
        const v4 = readListening(reader, '/proc/net/tcp')
        const v6 = readListening(reader, '/proc/net/tcp6')
        const sockets = v4 === undefined ? v6 : [...v4, ...(v6 ?? [])]
        sink.set('port.listening_count', NO_LABELS, sockets?.length)
        if (sockets === undefined) return
        const key = sockets.map(({ address, port: number, inode }) => `${address} ${number} ${inode}`).join()
        if (key === seen) return
        seen = key
        const owners = findOwners(reader, new Set(sockets.map(({ inode }) => inode)))
        const ports: ListeningPort[] = sockets
          .map(({ address, port: number, inode }) => ({
            address,
            port: number,
            process: owners.get(inode) ?? null,
          }))
          .sort((a, b) => a.port - b.port || (a.address < b.address ? -1 : 1))
        sink.fact('ports', { ports })
      },
    }
  },
}

/**
 * Sockets in state listen. The kernel lists them before all others (tcp_seq_start walks the listening table first),
 * so reading ends at the first line of another state, however many connections follow.
 */
function readListening(reader: Reader, path: string): Socket[] | undefined {
  const text = reader.text(path, 256 * 1024)
  if (text === undefined) return undefined
  const sockets: Socket[] = []
  let from = text.indexOf('\n') + 1
  while (from > 0 && from < text.length) {
    const end = text.indexOf('\n', from)
    const fields = text
      .slice(from, end < 0 ? undefined : end)
      .trim()
      .split(/\s+/, 10)
    const [, local, , state, , , , , , inode] = fields
    if (local === undefined || state !== LISTEN) break
    const colon = local.indexOf(':')
    sockets.push({
      address: formatAddress(local.slice(0, colon)),
      port: Number.parseInt(local.slice(colon + 1), 16),
      inode: inode ?? '0',
    })
    from = end + 1
  }
  return sockets
}

/** The address is written as 32-bit words in the machine's byte order (little endian on all that we run on). */
export function formatAddress(hex: string): string {
  const bytes: number[] = []
  for (let word = 0; word + 8 <= hex.length; word += 8)
    for (let at = 6; at >= 0; at -= 2) bytes.push(Number.parseInt(hex.slice(word + at, word + at + 2), 16))
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff)
    return `::ffff:${bytes.slice(12).join('.')}`
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  return compress(groups)
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`. */
function compress(groups: readonly string[]): string {
  let best = { start: -1, length: 1 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  if (best.start < 0) return groups.join(':')
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`
}

/** Socket inode → name of the process that holds it, by the links of /proc/PID/fd. Only done when ports change. */
function findOwners(reader: Reader, inodes: ReadonlySet<string>): Map<string, string> {
  const owners = new Map<string, string>()
  for (const pid of listProcesses(reader) ?? []) {
    if (owners.size === inodes.size) break
    for (const descriptor of reader.list(`/proc/${pid}/fd`) ?? []) {
      const inode = /^socket:\[(\d+)\]$/.exec(reader.link(`/proc/${pid}/fd/${descriptor}`) ?? '')?.[1]
      if (inode === undefined || !inodes.has(inode) || owners.has(inode)) continue
      const name = reader.text(`/proc/${pid}/comm`, 64)?.trim()
      if (name !== undefined) owners.set(inode, name)
    }
  }
  return owners
}
