import { NO_LABELS, type Collector } from './collector.ts'
import { askTimeServer } from './source/sntp.ts'

/** timesyncd asks at the latest each 2048 s (PollIntervalMaxSec); after three such times without an answer it has lost its source. */
const SYNCHRONISED_MS = 3 * 2048 * 1000
const ANSWER_MS = 3000

/**
 * How far the clock is off, asked of the time server that the device's probes.json names (unavailable without
 * one), and whether systemd-timesyncd holds it: it touches a file at each success (systemd-timesyncd.service(8)).
 * The kernel's own word (adjtimex) cannot be had without a program, so under chrony or ntpd it is unavailable.
 */
export const clock: Collector = {
  name: 'clock',
  intervalS: 300,
  metrics: ['clock.offset_seconds', 'clock.synchronised'],
  create({ reader, ntpServer, probes, log }) {
    let offsetS: number | undefined
    let told: string | undefined
    return {
      async prepare() {
        const server = ntpServer ?? probes().timeServer
        if (server === undefined) {
          offsetS = undefined
          return
        }
        try {
          offsetS = await askTimeServer(server, ANSWER_MS)
          told = undefined
        } catch (thrown) {
          offsetS = undefined
          const message = thrown instanceof Error ? thrown.message : String(thrown)
          if (told !== message) log.warn('time server does not answer', { server, error: message })
          told = message
        }
      },
      collect(sink, nowMs) {
        const touched = reader.stat('/run/systemd/timesync/synchronized')
        const runs = reader.exists('/run/systemd/timesync')
        const held = touched === undefined ? 0 : nowMs - touched.mtimeMs <= SYNCHRONISED_MS ? 1 : 0
        sink.set('clock.offset_seconds', NO_LABELS, offsetS === undefined ? undefined : Math.abs(offsetS))
        sink.set('clock.synchronised', NO_LABELS, runs ? held : undefined)
      },
    }
  },
}
