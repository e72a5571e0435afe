import { watchArrivals } from './state/arrivals.ts'
import { NO_LABELS, type Collector } from './collector.ts'
import type { Reader } from './source/read.ts'

const STATUS = '/var/lib/dpkg/status'
const STATUS_BYTES = 64 * 1024 * 1024

/**
 * Packages and parts of the machine that came or went in the last 24 hours. Packages from dpkg's status file, read
 * anew only when it has changed; an update is no change of what is installed, and kernels and their like, which
 * bear their version in their name, count without it. Parts from /sys and /proc: memory size, processors, disks,
 * network adapters, PCI functions. Unavailable where these cannot be read.
 */
export const change: Collector = {
  name: 'change',
  intervalS: 3600,
  metrics: ['change.software_24h_count', 'change.hardware_24h_count'],
  create({ reader, dataDir, log }) {
    const software = watchArrivals({ dataDir, name: 'software', log })
    const hardware = watchArrivals({ dataDir, name: 'hardware', log })
    let packages: { mtimeMs: number; names: string[] } | undefined
    return {
      collect(sink, nowMs) {
        const mtimeMs = reader.stat(STATUS)?.mtimeMs
        if (mtimeMs === undefined) packages = undefined
        else if (packages?.mtimeMs !== mtimeMs) {
          const text = reader.text(STATUS, STATUS_BYTES)
          packages = text === undefined ? undefined : { mtimeMs, names: packageNames(text) }
        }
        const parts = readParts(reader)
        const changed = packages === undefined ? undefined : software(packages.names, nowMs)
        const moved = parts === undefined ? undefined : hardware(parts, nowMs)
        sink.set('change.software_24h_count', NO_LABELS, changed && changed.added + changed.removed)
        sink.set('change.hardware_24h_count', NO_LABELS, moved && moved.added + moved.removed)
      },
    }
  },
}

/** Names of installed packages, each once, with versions in names as `#` (linux-image-6.1.0-28-amd64). */
export function packageNames(status: string): string[] {
  const names = new Set<string>()
  let name = ''
  let from = 0
  while (from < status.length) {
    const end = status.indexOf('\n', from)
    const to = end < 0 ? status.length : end
    if (status.startsWith('Package: ', from)) name = status.slice(from + 9, to)
    else if (status.startsWith('Status: ', from) && status.slice(from, to).endsWith(' installed'))
      names.add(name.replace(/\d+(?:\.\d+)+(?:-\d+)*/g, '#'))
    from = to + 1
  }
  return [...names]
}

/** What the machine is made of, a text for each part. Memory in whole GiB: firmware keeps a little more or less. */
function readParts(reader: Reader): string[] | undefined {
  const blocks = reader.list('/sys/block')
  const devices = reader.list('/sys/bus/pci/devices')
  if (blocks === undefined && devices === undefined) return undefined
  const parts: string[] = []
  const kilobytes = /^MemTotal:\s+(\d+)/m.exec(reader.text('/proc/meminfo') ?? '')?.[1]
  if (kilobytes !== undefined) parts.push(`memory ${String(Math.round(Number(kilobytes) / 1024 / 1024))} GiB`)
  const processors = reader.text('/sys/devices/system/cpu/present', 100)?.trim()
  if (processors !== undefined) parts.push(`processors ${processors}`)
  for (const name of blocks ?? []) {
    // Disks that come and go by themselves or with a person's hand are no change of the machine.
    if (reader.text(`/sys/block/${name}/removable`, 8)?.trim() !== '0') continue
    if (!reader.exists(`/sys/block/${name}/device`)) continue
    const told = ['model', 'serial', 'wwid'].map((file) =>
      reader.text(`/sys/block/${name}/device/${file}`, 256)?.trim(),
    )
    const sectors = reader.text(`/sys/block/${name}/size`, 32)?.trim()
    parts.push(`disk ${[...told, sectors].filter(Boolean).join(' ')}`)
  }
  for (const name of reader.list('/sys/class/net') ?? [])
    if (reader.exists(`/sys/class/net/${name}/device`) && !isUsb(reader, `/sys/class/net/${name}/device`))
      parts.push(`adapter ${reader.text(`/sys/class/net/${name}/address`, 64)?.trim() ?? name}`)
  for (const name of devices ?? []) {
    const ids = ['vendor', 'device'].map((file) => reader.text(`/sys/bus/pci/devices/${name}/${file}`, 16))
    parts.push(`pci ${name} ${ids.map((id) => id?.trim() ?? '').join(':')}`)
  }
  return parts
}

function isUsb(reader: Reader, device: string): boolean {
  return reader.link(`${device}/subsystem`)?.endsWith('/usb') ?? false
}
