import cookie from '@fastify/cookie'
import { fastify } from 'fastify'
import { expect, it, onTestFinished } from 'vitest'
import { EVENT_STREAM } from '../../../contract/http.ts'
import { serveStreams } from '../../../server/http/streams.ts'
import { createLive } from '../../../server/notify/live.ts'

it('a stream ends when its reader is signed out', async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  await app.register(cookie)
  const live = createLive(() => undefined)
  let signedIn = true
  serveStreams(app, live, async () => signedIn, 20)
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
