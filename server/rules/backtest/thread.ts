import { Worker } from 'node:worker_threads'
import { ERROR_CODES, type ErrorCode, VigiaError } from '../../../contract/errors.ts'
import type { BacktestJob, BacktestReply, BacktestRequest } from './messages.ts'

/** Rules and alerts live in this; samples pass through beside it. */
const HEAP_MB = 512

/** The thread of one backtest: asked one thing after the other. */
export type BacktestThread = {
  /** The metrics that its rules look at; null for all. */
  metrics: string[] | null
  /** Throws what the thread threw, and INTERNAL when it died. */
  ask(request: BacktestRequest): Promise<BacktestReply>
  stop(): Promise<void>
}

/** Starts the thread and waits until its rules stand. */
export async function startBacktestThread(worker: URL, job: BacktestJob): Promise<BacktestThread> {
  const thread = new Worker(worker, {
    name: 'vigia-backtest',
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  })
  let answered = Promise.withResolvers<BacktestReply>()
  // Whoever asks hears of it; a thread that dies while nobody asks is told at the next question.
  answered.promise.catch(() => undefined)
  thread.on('message', (message: BacktestReply) => {
    if (message.is === 'failed') answered.reject(errorOf(message))
    else answered.resolve(message)
  })
  const died = (why: string, cause?: unknown): void =>
    answered.reject(new VigiaError('INTERNAL', `The thread of the backtest ${why}.`, { cause }))
  thread.on('error', (error) =>
    died(`failed: ${error instanceof Error ? error.message : String(error)}`, error),
  )
  thread.on('exit', (code) => died(`ended with code ${code}`))

  const ready = await answered.promise
  if (ready.is !== 'ready') throw new VigiaError('INTERNAL', 'The thread of the backtest is not ready.')
  return {
    metrics: ready.metrics,
    async ask(request) {
      answered = Promise.withResolvers()
      answered.promise.catch(() => undefined)
      const { block } = request.ask === 'take' ? request : { block: undefined }
      const transfer = block === undefined ? [] : [block.at.buffer, block.timesMs.buffer, block.values.buffer]
      thread.postMessage(request, transfer)
      return answered.promise
    },
    async stop() {
      await thread.terminate()
    },
  }
}

function errorOf({ code, message }: { code: string; message: string }): VigiaError {
  return new VigiaError(Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'INTERNAL', message)
}
