import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type * as z from 'zod'
import { ERROR_CODES, VigiaError, type ErrorCode } from '../contract/errors.ts'
import { ROUTES, type RouteName } from '../contract/http.ts'
import { ErrorAnswer } from '../contract/views.ts'

type Input<R, K extends string> =
  R extends Record<K, infer S> ? (S extends z.ZodType ? z.input<S> : never) : undefined
type Arguments<N extends RouteName> = {
  params?: Input<(typeof ROUTES)[N], 'params'>
  query?: Input<(typeof ROUTES)[N], 'query'>
  body?: Input<(typeof ROUTES)[N], 'body'>
}
type Answer<N extends RouteName> = z.output<(typeof ROUTES)[N]['answer']>

/** The server as the command line sees it: one call for each route of the contract, and its event streams. */
export type ServerApi = {
  readonly url: string
  call<N extends RouteName>(name: N, input?: Arguments<N>): Promise<Answer<N>>
  /** A route whose answer is a document; the bytes and their type. */
  download(path: string): Promise<{ bytes: Uint8Array; type: string }>
  /** Server-sent events of a path, parsed, until the signal ends it. */
  listen(path: string, signal: AbortSignal): AsyncGenerator<unknown>
  /** A WebSocket of a path, as binary. */
  socket(path: string): WebSocket
}

/** Reads the local token of the data directory; it makes the caller the server's own machine. */
export function connectLocal(options: { url: string; dataDir: string }): ServerApi {
  return connect(options.url, () => {
    try {
      return readFileSync(join(options.dataDir, 'local.token'), 'utf8').trim()
    } catch (error) {
      throw new VigiaError(
        'UNAUTHENTICATED',
        `Cannot read the local token in ${options.dataDir}: is this the data directory of the running server? Choose it with --data.`,
        { cause: error },
      )
    }
  })
}

function connect(url: string, token: () => string): ServerApi {
  const away = (error: unknown): never => {
    throw new VigiaError('SERVER_AWAY', `No server answers at ${url}.`, { cause: error })
  }
  const request = async (
    method: string,
    path: string,
    body: unknown,
    signal?: AbortSignal,
  ): Promise<Response> => {
    const headers: Record<string, string> = { authorization: `Bearer ${token()}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    const init: RequestInit = {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    }
    const response = await fetch(url + path, init).catch((error: unknown) => {
      if (signal?.aborted) throw error
      // The server closes idle connections; one that was kept may be gone. A question may be asked again, a deed not.
      if (method === 'GET' && isClosedSocket(error)) return fetch(url + path, init).catch(away)
      return away(error)
    })
    if (!response.ok) throw await toError(response)
    return response
  }
  return {
    url,
    async call(name, input = {}) {
      const route = ROUTES[name]
      const { path, query } = { path: fill(route.path, input.params), query: toQuery(input.query) }
      const response = await request(route.method, path + query, input.body)
      return route.answer.parse(await response.json()) as Answer<typeof name>
    },
    async download(path) {
      const response = await request('GET', path, undefined)
      return {
        bytes: new Uint8Array(await response.arrayBuffer()),
        type: response.headers.get('content-type') ?? '',
      }
    },
    socket(path) {
      const target = new URL(path, url)
      target.protocol = target.protocol === 'https:' ? 'wss:' : 'ws:'
      // Node's own WebSocket takes headers, which browsers do not.
      const socket = new WebSocket(target, { headers: { authorization: `Bearer ${token()}` } })
      socket.binaryType = 'arraybuffer'
      return socket
    },
    async *listen(path, signal) {
      const response = await request('GET', path, undefined, signal)
      let buffer = ''
      const decoder = new TextDecoder()
      const body: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined
      if (body === undefined) return
      for await (const chunk of body) {
        buffer += decoder.decode(chunk, { stream: true })
        const blocks = buffer.split('\n\n')
        buffer = blocks.pop() ?? ''
        for (const block of blocks) {
          const data = block.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []))
          if (data.length > 0) yield JSON.parse(data.join('\n'))
        }
      }
    },
  }
}

function isClosedSocket(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return (
    cause instanceof Error &&
    'code' in cause &&
    (cause.code === 'UND_ERR_SOCKET' || cause.code === 'ECONNRESET')
  )
}

function fill(path: string, params: unknown): string {
  const values = new Map(Object.entries(params ?? {}))
  return path.replace(/:([a-z]+)/gi, (_, name: string) => encodeURIComponent(String(values.get(name))))
}

function toQuery(query: unknown): string {
  const entries = Object.entries(query ?? {}).filter(([, value]) => value !== undefined)
  return entries.length === 0
    ? ''
    : `?${new URLSearchParams(entries.map(([name, value]): [string, string] => [name, String(value)])).toString()}`
}

async function toError(response: Response): Promise<VigiaError> {
  const text = await response.text()
  const parsed = ErrorAnswer.safeParse(safeJson(text))
  if (!parsed.success)
    return new VigiaError('INTERNAL', `The server answered ${response.status}: ${text.slice(0, 300)}`)
  const code: ErrorCode = Object.hasOwn(ERROR_CODES, parsed.data.code)
    ? (parsed.data.code as ErrorCode)
    : 'INTERNAL'
  const faults = parsed.data.faults.map((fault) =>
    Object.fromEntries(Object.entries(fault).filter(([, value]) => value !== undefined)),
  ) as { message: string }[]
  return new VigiaError(code, parsed.data.message, { faults })
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not ours: the caller says so with the text itself.
    return undefined
  }
}
