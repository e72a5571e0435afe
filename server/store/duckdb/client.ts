import { Worker } from 'node:worker_threads'
import type { Transferable } from 'node:worker_threads'
import { VigiaError } from '../../../contract/errors.ts'
import { duckdbError } from './errors.ts'
import type { WorkerCallName, WorkerCalls, WorkerReply } from './messages.ts'

type Waiting = { resolve: (value: unknown) => void; reject: (error: Error) => void }

/** Calls to the worker thread that owns the database. */
export type DuckdbClient = {
  call<Name extends WorkerCallName>(
    name: Name,
    parameters: WorkerCalls[Name]['arguments'],
    transfer?: readonly Transferable[],
  ): Promise<WorkerCalls[Name]['answer']>
  /** Ends the thread; what waits is rejected with STORE_UNAVAILABLE. */
  stop(): Promise<void>
}

/** Starts the worker thread. A thread that dies rejects what waits; the next call says so too. */
export function startDuckdbWorker(path: string): DuckdbClient {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { name: 'vigia-store' })
  const waiting = new Map<number, Waiting>()
  let nextId = 1
  let ended: VigiaError | undefined

  function end(reason: string, cause?: unknown): void {
    ended ??= new VigiaError('STORE_UNAVAILABLE', `The thread of ${path} ${reason}`, { cause })
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
  }

  worker.on('message', (reply: WorkerReply) => {
    const asker = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('error' in reply) asker?.reject(duckdbError(reply.error, path))
    else asker?.resolve(reply.answer)
  })
  worker.on('error', (error) =>
    end(`failed: ${error instanceof Error ? error.message : String(error)}`, error),
  )
  worker.on('exit', (code) => end(`ended with code ${code}`))

  return {
    call(name, parameters, transfer = []) {
      if (ended) return Promise.reject(ended)
      const id = nextId++
      return new Promise((resolve, reject) => {
        // The worker answers each name with that name's answer: WorkerCalls types both ends.
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
        worker.postMessage({ id, name, arguments: parameters }, transfer)
      })
    },
    async stop() {
      await worker.terminate()
      end('was stopped')
    },
  }
}
