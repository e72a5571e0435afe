import { useSyncExternalStore } from 'react'

const STEP_MS = 1000
const watchers = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined
let nowMs = Date.now()

/** The present time, Unix milliseconds, moving in steps of `stepMs` (whole seconds); one clock for the page. */
export function useNow(stepMs = 10_000): number {
  return useSyncExternalStore(watch, () => Math.floor(nowMs / stepMs) * stepMs)
}

function watch(watcher: () => void): () => void {
  nowMs = Date.now()
  watchers.add(watcher)
  timer ??= setInterval(() => {
    nowMs = Date.now()
    for (const each of watchers) each()
  }, STEP_MS)
  return () => {
    watchers.delete(watcher)
    if (watchers.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}
