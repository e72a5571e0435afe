import type { DeviceView } from '../contract/views.ts'
import type { Layout, SessionHello } from '../contract/report.ts'
import type { SessionClock } from '../contract/session-clock.ts'
import type { DeviceAddress } from '../contract/topics.ts'

/** What the server knows of a device by being connected to it; it is gone with the process. */
export type LiveDevice = {
  address: DeviceAddress
  online: boolean
  /** The hello of the present session. */
  hello: SessionHello | undefined
  /** Its clock in that hello, and the server's when it came. */
  clock: SessionClock | undefined
  lastSeenMs: number
  headline: DeviceView['headline']
  /** Whether a report has come since this server started. */
  reported: boolean
}

type Spot = keyof DeviceView['headline']
type Spots = { cpuPercent: number; memoryPercent: number; disks: number[] }

/** The live side of the fleet, fed by the pipeline. */
export type LiveState = {
  of(device: string): LiveDevice | undefined
  /** Notes a committed report's headline values; NaN is unavailable. */
  report(address: DeviceAddress, layout: Layout, values: ArrayLike<number>, seenMs: number): void
  online(address: DeviceAddress, online: boolean, seenMs: number): void
  hello(address: DeviceAddress, hello: SessionHello, seenMs: number): void
  /** Devices heard of since the last call, and when. */
  takeSeen(): Map<string, number>
}

/** The present session of a device, with the start of its machine by the server's clock, whatever its own says. */
export function sessionOf(
  device: LiveDevice | undefined,
): (SessionHello & { clock: SessionClock }) | undefined {
  if (device?.hello === undefined || device.clock === undefined) return undefined
  const { hello, clock } = device
  return { ...hello, bootTimeMs: hello.bootTimeMs - clock.deviceMs + clock.serverMs, clock }
}

/** Empty live state. */
export function createLiveState(): LiveState {
  const devices = new Map<string, LiveDevice>()
  const spots = new WeakMap<Layout, Spots>()
  let seen = new Map<string, number>()

  function touch(address: DeviceAddress, seenMs: number): LiveDevice {
    let device = devices.get(address.device)
    if (!device) {
      device = {
        address,
        online: false,
        hello: undefined,
        clock: undefined,
        lastSeenMs: seenMs,
        headline: { cpuPercent: null, memoryPercent: null, diskPercent: null },
        reported: false,
      }
      devices.set(address.device, device)
    }
    device.lastSeenMs = Math.max(device.lastSeenMs, seenMs)
    seen.set(address.device, device.lastSeenMs)
    return device
  }

  return {
    of: (device) => devices.get(device),
    report(address, layout, values, seenMs) {
      const device = touch(address, seenMs)
      device.reported = true
      let places = spots.get(layout)
      if (!places) {
        places = findSpots(layout)
        spots.set(layout, places)
      }
      const { headline } = device
      setHeadline(headline, 'cpuPercent', places.cpuPercent, values)
      setHeadline(headline, 'memoryPercent', places.memoryPercent, values)
      if (places.disks.length > 0) {
        const used = places.disks.map((place) => values[place] ?? NaN).filter((value) => !Number.isNaN(value))
        headline.diskPercent = used.length === 0 ? null : Math.max(...used)
      }
    },
    online(address, online, seenMs) {
      const device = touch(address, seenMs)
      device.online = online
      if (!online) device.hello = undefined
    },
    hello(address, hello, seenMs) {
      const device = touch(address, seenMs)
      device.online = true
      device.hello = hello
      device.clock = { deviceMs: hello.timeMs, serverMs: seenMs }
    },
    takeSeen() {
      const taken = seen
      seen = new Map()
      return taken
    },
  }
}

function setHeadline(
  headline: DeviceView['headline'],
  spot: Spot,
  place: number,
  values: ArrayLike<number>,
): void {
  if (place < 0) return
  const value = values[place] ?? NaN
  headline[spot] = Number.isNaN(value) ? null : value
}

function findSpots({ series }: Layout): Spots {
  const place = (metric: string): number => series.findIndex((spec) => spec.metric === metric)
  return {
    cpuPercent: place('cpu.used_percent'),
    memoryPercent: place('memory.used_percent'),
    disks: series.flatMap((spec, index) => (spec.metric === 'disk.used_percent' ? [index] : [])),
  }
}
