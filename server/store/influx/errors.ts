import { VigiaError } from '../../../contract/errors.ts'

/** What InfluxDB says when samples are older than it keeps: the others are stored, and these would go anyway. */
const BEYOND_RETENTION = /^partial write: points beyond retention policy dropped=\d+$/

/** Turns an HTTP answer of InfluxDB into an error; undefined when it is none. `where` names server and database. */
export function influxAnswerError(where: string, status: number, body: string): VigiaError | undefined {
  if (status < 300) return undefined
  const words = wordsOf(body)
  if (status === 400 && BEYOND_RETENTION.test(words)) return undefined
  if (status === 401 || status === 403) {
    return new VigiaError('STORE_UNAVAILABLE', `${where} refuses the credentials (${status}): ${words}`)
  }
  const permanent = status === 400 || status === 413 || status === 422
  return new VigiaError(
    permanent ? 'STORE_INVALID' : 'STORE_UNAVAILABLE',
    `${where} answered ${status}: ${words}`,
  )
}

/** Turns a failed connection into STORE_UNAVAILABLE with the reason that the system gave. */
export function influxAwayError(where: string, thrown: unknown): VigiaError {
  return new VigiaError('STORE_UNAVAILABLE', `${where} is away: ${reasonOf(thrown)}`, { cause: thrown })
}

/** A server closes connections that stood idle, and a request may meet that moment. */
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** Calls once more when the connection broke off: every request to InfluxDB may be made twice. */
export async function withSecondTry<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call()
  } catch (error) {
    if (BROKEN_OFF.has(codeOf(error))) return call()
    throw error
  }
}

function codeOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return ''
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code
  return 'cause' in thrown ? codeOf(thrown.cause) : ''
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  if (thrown instanceof AggregateError && thrown.message === '') return thrown.errors.map(reasonOf).join('; ')
  if (thrown.cause instanceof Error) return reasonOf(thrown.cause)
  return thrown.message === '' ? thrown.name : thrown.message
}

function wordsOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed === 'object' && parsed !== null) {
      if ('error' in parsed) return String(parsed.error)
      if ('message' in parsed) return String(parsed.message)
    }
    return body.slice(0, 300)
  } catch {
    return body.trim().slice(0, 300)
  }
}
