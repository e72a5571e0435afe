import type { Health } from '../../contract/views.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { Clock } from '../../contract/clock.ts'

/** A part of the server that can say how it is; throwing means down, with the error's message. */
export type HealthProbe = {
  name: string
  probe: () => Promise<{ state: 'ok' | 'degraded' | 'down'; message: string }>
}

const PROBE_LIMIT_MS = 3000

/** Asks every part, each within three seconds, and says the worst. */
export async function checkHealth(
  parts: readonly HealthProbe[],
  context: { version: string; startedAtMs: number; clock: Clock },
): Promise<Health> {
  const answers = await Promise.all(parts.map(askPart))
  const state = answers.some((part) => part.state === 'down')
    ? 'down'
    : answers.some((part) => part.state === 'degraded')
      ? 'degraded'
      : 'ok'
  return { state, version: context.version, startedAtMs: context.startedAtMs, parts: answers }
}

async function askPart({ name, probe }: HealthProbe): Promise<Health['parts'][number]> {
  const limit = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => limit.reject(new Error(`no answer within ${PROBE_LIMIT_MS} ms`)),
    PROBE_LIMIT_MS,
  )
  try {
    return { name, ...(await Promise.race([probe(), limit.promise])) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return {
      name,
      state: 'down',
      message: error instanceof VigiaError ? `${error.code}: ${message}` : message,
    }
  } finally {
    clearTimeout(timer)
  }
}
