import type { QueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import type { EVENT_STREAM } from '../contract/http.ts'
import type { LiveEvent } from '../contract/views.ts'
import { whileInSight } from './in-sight.ts'

const STREAM: typeof EVENT_STREAM = '/api/events'
/** Changes are gathered this long, so that a busy fleet asks once and not for each event. */
const GATHER_MS = 500
/** A whole fleet is asked for again at most this often, by its size. */
const FLEET_MS = 3000
const FLEET_BIG_MS = 15_000
const BIG_FLEET = 500
/** Without a live connection the page asks by itself. */
const POLL_MS = 10_000
const RECONNECT_MS = 15_000

let connected = false
const watchers = new Set<() => void>()

/** Is the live connection there? The page says so, and asks by itself while it is not. */
export function useConnected(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    () => connected,
  )
}

/**
 * Listens to the server's events and lets the queries that they touch ask again; polls every ten seconds while
 * the connection is away. Returns the way to stop.
 */
export function followLive(queries: QueryClient): () => void {
  let missed = false
  const gathered = gather(queries)

  const open = (): (() => void) => {
    let source: EventSource | undefined
    let reopen: ReturnType<typeof setTimeout> | undefined
    const connect = (): void => {
      source = new EventSource(STREAM)
      source.onopen = () => {
        // What was told while there was no connection has to be asked for.
        if (missed) void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'me' })
        missed = false
        setConnected(true)
      }
      source.onmessage = (message) => gathered.add(JSON.parse(String(message.data)) as LiveEvent)
      source.onerror = () => {
        missed = true
        setConnected(false)
        // The browser tries again by itself, except after an answer that it takes as final.
        if (source?.readyState === EventSource.CLOSED) reopen = setTimeout(connect, RECONNECT_MS)
      }
    }
    connect()
    return () => {
      missed = true
      source?.close()
      clearTimeout(reopen)
    }
  }
  const close = whileInSight(open)
  const poll = setInterval(() => {
    if (!connected && document.visibilityState === 'visible')
      void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'me' })
  }, POLL_MS)
  return () => {
    close()
    clearInterval(poll)
    gathered.stop()
    setConnected(false)
  }
}

function gather(queries: QueryClient): { add(event: LiveEvent): void; stop(): void } {
  const keys = new Map<string, readonly string[]>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let fleetTimer: ReturnType<typeof setTimeout> | undefined
  const flush = (): void => {
    timer = undefined
    for (const queryKey of keys.values()) void queries.invalidateQueries({ queryKey })
    keys.clear()
  }
  const touch = (...key: string[]): void => {
    keys.set(key.join(' '), key)
    timer ??= setTimeout(flush, GATHER_MS)
  }
  const touchFleet = (): void => {
    const size = queries.getQueryData<{ devices: unknown[] }>(['devices'])?.devices.length ?? 0
    fleetTimer ??= setTimeout(
      () => {
        fleetTimer = undefined
        void queries.invalidateQueries({ queryKey: ['devices'] })
      },
      size > BIG_FLEET ? FLEET_BIG_MS : FLEET_MS,
    )
  }
  return {
    add(event) {
      switch (event.type) {
        case 'device':
          touchFleet()
          touch('device', event.device)
          touch('facts', event.device)
          touch('clients')
          return
        case 'values':
          touchFleet()
          touch('device', event.device)
          return
        case 'incident':
          touchFleet()
          touch('incident', event.id)
          touch('incidents')
          touch('ledger')
          return
        case 'ticket':
          touch('ticket', event.id)
          touch('tickets')
          return
        case 'job':
          touch('incident')
          touch('job', event.id)
          touch('jobs')
          return
        case 'run':
          touch('run', event.id)
          touch('runs')
          return
        case 'remote':
          touch('remote', event.id)
          touch('remotes')
          return
        case 'health':
          touch('health')
          touch('hostile')
          return
        default:
          event satisfies never
      }
    },
    stop() {
      clearTimeout(timer)
      clearTimeout(fleetTimer)
    },
  }
}

function setConnected(now: boolean): void {
  if (connected === now) return
  connected = now
  for (const watcher of watchers) watcher()
}
