import type { Cursor, Outbox } from '../outbox/shape.ts'
import type { OutboxRecord } from '../outbox/frame.ts'

type Flight = { record: OutboxRecord; firstMs: number; sentMs: number; tries: number; aside: boolean }

/** What is under way between the outbox and the server. Times are milliseconds that never jump. */
export type Window = {
  /** A session begins: everything unacknowledged is sent again from the oldest on. */
  restart(nowMs: number): void
  /** Sends what is new, as far as the window allows. */
  pump(nowMs: number): void
  acked(boot: string, ranges: readonly (readonly [number, number])[], nowMs: number): void
  /** Sends again what waits for its acknowledgement too long. */
  resend(nowMs: number): void
  /** Sends again at once what waits and needs this layout. */
  resendFor(hash: string, nowMs: number): void
  /** A session ended: nothing is under way any more. */
  stop(): void
  inFlight(): number
}

const LONGEST_WAIT_MS = 10 * 60_000
const MOST_ASIDE = 256
const TRIES_BEFORE_ASIDE = 3
const TRIES_A_SESSION = 8

/**
 * Sends the outbox in order with at most `maxRecords` and about `maxBytes` unacknowledged. One that the server does
 * not acknowledge is sent again after `ackTimeoutMs`, then twice as late each time. One that is left out three
 * times while the server acknowledges later ones is set aside, so that what the server refuses blocks nothing.
 */
export function createWindow(options: {
  outbox: Pick<Outbox, 'start' | 'next'>
  send: (record: OutboxRecord) => void
  ackTimeoutMs: number
  maxRecords: number
  maxBytes: number
}): Window {
  const { outbox, send, ackTimeoutMs, maxRecords, maxBytes } = options
  const flights = new Map<string, Flight>()
  let cursor: Cursor | undefined
  let lastAckMs = -Infinity

  const keyOf = (record: { boot: string; seq: number }): string => `${record.boot}:${String(record.seq)}`
  const occupied = (): { records: number; bytes: number } => {
    let records = 0
    let bytes = 0
    for (const flight of flights.values()) {
      if (flight.aside) continue
      records += 1
      bytes += flight.record.payload.length
    }
    return { records, bytes }
  }
  const again = (flight: Flight, nowMs: number): void => {
    flight.sentMs = nowMs
    flight.tries += 1
    send(flight.record)
  }
  const pump = (nowMs: number): void => {
    while (cursor) {
      const used = occupied()
      if (used.records >= maxRecords || used.bytes >= maxBytes) return
      const step = outbox.next(cursor, { records: maxRecords - used.records, bytes: maxBytes - used.bytes })
      cursor = step.cursor
      if (step.records.length === 0) return
      for (const record of step.records) {
        // A record that waited in memory is met again when it has gone to disk.
        if (flights.has(keyOf(record))) continue
        flights.set(keyOf(record), { record, firstMs: nowMs, sentMs: nowMs, tries: 1, aside: false })
        send(record)
      }
    }
  }

  return {
    restart(nowMs) {
      flights.clear()
      cursor = outbox.start()
      pump(nowMs)
    },
    pump,
    acked(boot, ranges, nowMs) {
      for (const [key, { record }] of flights) {
        if (record.boot !== boot || !ranges.some(([from, to]) => from <= record.seq && record.seq <= to))
          continue
        flights.delete(key)
        lastAckMs = nowMs
      }
      pump(nowMs)
    },
    resend(nowMs) {
      let aside = 0
      for (const flight of flights.values()) if (flight.aside) aside += 1
      for (const [key, flight] of flights) {
        const wait = Math.min(LONGEST_WAIT_MS, ackTimeoutMs * 2 ** (flight.tries - 1))
        if (nowMs - flight.sentMs < wait) continue
        const passedOver = flight.tries >= TRIES_BEFORE_ASIDE && lastAckMs > flight.firstMs
        if (passedOver && flight.tries >= TRIES_A_SESSION) {
          flights.delete(key)
          continue
        }
        if (passedOver && !flight.aside && aside < MOST_ASIDE) {
          flight.aside = true
          aside += 1
        }
        again(flight, nowMs)
      }
      pump(nowMs)
    },
    resendFor(hash, nowMs) {
      for (const flight of flights.values()) if (flight.record.hash === hash) again(flight, nowMs)
    },
    stop() {
      flights.clear()
      cursor = undefined
    },
    inFlight: () => flights.size,
  }
}
