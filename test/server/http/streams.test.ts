import cookie from '@fastify/cookie'
import { fastify } from 'fastify'
import { expect, it, onTestFinished } from 'vitest'
import { EVENT_STREAM, OUTPUT_STREAM } from '../../../contract/http.ts'
import { serveStreams } from '../../../server/http/streams.ts'
import { createLive } from '../../../server/notify/live.ts'

const ana = { name: 'Ana', role: 'technician' } as const
const whole = { reach: async () => undefined, listenWithin: () => () => undefined }

it('a stream ends when its reader is signed out', async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  await app.register(cookie)
  const live = createLive(() => undefined)
  let signedIn = true
  serveStreams(app, { ...whole, live, callerNow: async () => (signedIn ? ana : undefined), heartbeatMs: 20 })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = await fetch(url + EVENT_STREAM)
  const reader = answer.body!.getReader()
  let heard = ''
  const ended = (async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      heard += Buffer.from(value).toString()
    }
  })()
  await expect.poll(() => heard).toContain('still here')
  live.events.emit({ type: 'health' })
  await expect.poll(() => heard).toContain('{"type":"health"}')
  signedIn = false
  await ended
  expect(live.events.listeners()).toBe(0)
})

it('a reader that has gone before the server knew who it is leaves nothing behind', async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  await app.register(cookie)
  const asked = Promise.withResolvers<void>()
  const known = Promise.withResolvers<void>()
  app.addHook('onRequest', async () => {
    asked.resolve()
    await known.promise
  })
  const live = createLive(() => undefined)
  let heartbeats = 0
  const callerNow = async () => {
    heartbeats += 1
    return ana
  }
  serveStreams(app, { ...whole, live, callerNow, heartbeatMs: 20 })
  const answered = Promise.withResolvers<void>()
  app.addHook('onRequest', async () => answered.resolve())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const leaving = new AbortController()
  const left = fetch(url + EVENT_STREAM, { signal: leaving.signal }).catch(() => undefined)
  await asked.promise
  leaving.abort()
  await left
  await expect.poll(() => new Promise((resolve) => app.server.getConnections((_, n) => resolve(n)))).toBe(0)
  known.resolve()
  await answered.promise
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(live.events.listeners()).toBe(0)
  expect(heartbeats).toBe(0)
})

it('who opens the output of a job late reads what was printed so far, then what comes, and goes on after a break', async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  await app.register(cookie)
  const live = createLive(() => undefined)
  serveStreams(app, { ...whole, live, callerNow: async () => ana })
  const url = (await app.listen({ host: '127.0.0.1', port: 0 })) + OUTPUT_STREAM.replace(':id', 'job-1')
  const print = (job: string, at: number): void =>
    live.output.emit({ job, at, stream: 'stdout', offset: at, text: `${job}/${at}` })
  const open = async (headers: Record<string, string> = {}) => {
    const ending = new AbortController()
    onTestFinished(() => ending.abort())
    const reader = (await fetch(url, { headers, signal: ending.signal })).body!.getReader()
    let text = ''
    void (async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        text += Buffer.from(value).toString()
      }
    })().catch(() => undefined)
    return () => [...text.matchAll(/"text":"([^"]*)"/g)].map(([, found]) => found).join(' ')
  }
  print('job-1', 0)
  print('job-2', 0)
  print('job-1', 1)
  const first = await open()
  await expect.poll(first).toBe('job-1/0 job-1/1')
  print('job-1', 2)
  print('job-2', 1)
  await expect.poll(first).toBe('job-1/0 job-1/1 job-1/2')
  const again = await open({ 'last-event-id': '1' })
  await expect.poll(again).toBe('job-1/2')
})
