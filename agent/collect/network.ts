import { rate, type Collector, type Labels } from './collector.ts'

/** Interfaces that are no way out of the machine, or that come and go with containers and virtual machines. */
const LEFT_OUT =
  /^(?:lo|ifb\d+|dummy\d+|veth.*|vnet\d+|tap.*|docker\d+|br-[0-9a-f]{12}|virbr\d+(?:-nic)?|cali.*|cilium.*|lxc.*|flannel.*|cni\d+|kube-.*|sit\d+|ip6tnl\d+|tunl\d+|gre\d+|erspan\d+|bonding_masters)$/

type Counters = { receive: number; transmit: number; errors: number; drops: number }
type Interface = { labels: Labels; before: Counters | undefined; seen: boolean }

/** Traffic, errors and drops of each interface over the last cycle, from /proc/net/dev, and its link state from /sys. */
export const network: Collector = {
  name: 'network',
  metrics: [
    'network.receive_bytes_per_second',
    'network.transmit_bytes_per_second',
    'network.errors_per_second',
    'network.drops_per_second',
    'network.up',
  ],
  create({ reader, monotonicMs }) {
    const interfaces = new Map<string, Interface>()
    let beforeMs: number | undefined

    const isUp = (name: string): number | undefined => {
      const state = reader.text(`/sys/class/net/${name}/operstate`, 64)?.trim()
      if (state === undefined || state === '') return undefined
      if (state === 'up') return 1
      // RFC 2863: drivers that do not tell say "unknown"; then the carrier decides. It cannot be read while the interface is off.
      return state === 'unknown' ? reader.number(`/sys/class/net/${name}/carrier`) : 0
    }

    return {
      collect(sink) {
        const nowMs = monotonicMs()
        const elapsedS = beforeMs === undefined ? 0 : (nowMs - beforeMs) / 1000
        beforeMs = nowMs
        for (const each of interfaces.values()) each.seen = false
        for (const line of reader.text('/proc/net/dev')?.split('\n') ?? []) {
          const colon = line.indexOf(':')
          if (colon < 0) continue
          const name = line.slice(0, colon).trim()
          if (LEFT_OUT.test(name)) continue
          const now = countersOf(
            line
              .slice(colon + 1)
              .trim()
              .split(/\s+/),
          )
          if (now === undefined) continue
          const each = interfaces.get(name) ?? { labels: { interface: name }, before: undefined, seen: true }
          interfaces.set(name, each)
          each.seen = true
          const { before, labels } = each
          each.before = now
          sink.set('network.receive_bytes_per_second', labels, rate(now.receive, before?.receive, elapsedS))
          sink.set(
            'network.transmit_bytes_per_second',
            labels,
            rate(now.transmit, before?.transmit, elapsedS),
          )
          sink.set('network.errors_per_second', labels, rate(now.errors, before?.errors, elapsedS))
          sink.set('network.drops_per_second', labels, rate(now.drops, before?.drops, elapsedS))
          sink.set('network.up', labels, isUp(name))
        }
        for (const [name, each] of interfaces) if (!each.seen) interfaces.delete(name)
      },
    }
  },
}

/** Columns of /proc/net/dev: receive bytes, packets, errs, drop, …; transmit bytes, packets, errs, drop from the ninth. */
function countersOf(columns: readonly string[]): Counters | undefined {
  if (columns.length < 12) return undefined
  const at = (index: number): number => Number(columns[index])
  return { receive: at(0), transmit: at(8), errors: at(2) + at(10), drops: at(3) + at(11) }
}
