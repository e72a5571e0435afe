import type { LiveEvent } from '../../contract/views.ts'
import { createJobOutputs, type JobOutputs } from './job-output.ts'

type Listener<T> = (value: T) => void

/** A place to which values are announced and where listeners come and go. A listener that throws is its own loss. */
export type Feed<T> = { emit(value: T): void; listen(listener: Listener<T>): () => void; listeners(): number }

/** What the console and the CLI hear as it happens. */
export type Live = { events: Feed<LiveEvent>; output: JobOutputs }

/** Makes the live feeds; `onFault` hears of listeners that throw. */
export function createLive(onFault: (error: unknown) => void): Live {
  return { events: createFeed(onFault), output: createJobOutputs(onFault) }
}

function createFeed<T>(onFault: (error: unknown) => void): Feed<T> {
  const all = new Set<Listener<T>>()
  return {
    emit(value) {
      for (const listener of all) {
        try {
          listener(value)
        } catch (error) {
          onFault(error)
        }
      }
    },
    listen(listener) {
      all.add(listener)
      return () => void all.delete(listener)
    },
    listeners: () => all.size,
  }
}
