import cookie from '@fastify/cookie'
import { fastify, type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answerErrors } from '../../../server/http/errors.ts'
import { guardRoutes, identify, type Doorkeeper } from '../../../server/http/guard.ts'
import { acceptSockets, serveSockets, type OpenSocket } from '../../../server/http/sockets.ts'
import { checkAccess } from '../../../server/access/roles.ts'
import { eventually } from '../../support/installation.ts'

let app: FastifyInstance
let url = ''
let opened: { id: string; after: number; caller: string }[] = []
let last: OpenSocket | undefined
const signedIn = new Map([
  ['ana', { name: 'ana', role: 'technician' as const }],
  ['vera', { name: 'vera', role: 'viewer' as const }],
])

beforeAll(async () => {
  app = fastify()
  answerErrors(app)
  await app.register(cookie)
  await acceptSockets(app)
  const door: Doorkeeper = {
    identify: async ({ bearer, cookies }) =>
      bearer === 'local' ? { name: 'local', role: 'local' } : signedIn.get(cookies['session'] ?? ''),
    check: (access, changes, caller) => checkAccess(access, changes, caller, 0),
    hosts: () => ['127.0.0.1'],
  }
  guardRoutes(app, door)
  serveSockets(
    app,
    {
      remote(socket, { id, after, caller }) {
        last = socket
        opened.push({ id, after, caller: caller.name })
      },
    },
    async (request) => (await identify(door, request)) !== undefined,
    100,
  )
  url = (await app.listen({ host: '127.0.0.1', port: 0 })).replace('http', 'ws')
})
afterAll(() => app.close())

/** Opens a socket as a browser would; answers how it ended up. */
async function attempt(
  headers: Record<string, string>,
  query = '',
): Promise<{ ws: WebSocket; open: boolean }> {
  opened = []
  const ws = new WebSocket(`${url}/api/remote/0b9a6f1e-6d0b-4d9c-9f5b-2f1f0c6f7a11/socket${query}`, {
    headers,
  })
  const open = await new Promise<boolean>((resolve) => {
    ws.addEventListener('open', () => resolve(true))
    ws.addEventListener('error', () => resolve(false))
  })
  return { ws, open }
}
const own = (): string => url.replace('ws', 'http')

it('opens for a signed-in technician on a page of this server, and for the machine itself', async () => {
  const person = await attempt({ cookie: 'session=ana', origin: own() }, '?after=7')
  expect(person.open).toBe(true)
  expect(opened).toEqual([{ id: '0b9a6f1e-6d0b-4d9c-9f5b-2f1f0c6f7a11', after: 7, caller: 'ana' }])
  person.ws.close()
  const machine = await attempt({ authorization: 'Bearer local' })
  expect(machine.open).toBe(true)
  expect(opened[0]?.caller).toBe('local')
  machine.ws.close()
})

it.each([
  ['nobody', { origin: 'OWN' }],
  ['another page with the cookie', { cookie: 'session=ana', origin: 'http://evil.example' }],
  ['a page that hides where it comes from', { cookie: 'session=ana' }],
  ['a wrong token', { authorization: 'Bearer guess' }],
  [
    // What a browser sends for ws://a:b@host/.
    'another page with a password in the address',
    { cookie: 'session=ana', origin: 'http://evil.example', authorization: 'Basic YTpi' },
  ],
])('refuses %s before a socket is open', async (_, headers) => {
  const given = Object.fromEntries(
    Object.entries(headers as Record<string, string>).map(([name, value]) => [
      name,
      value === 'OWN' ? own() : value,
    ]),
  )
  const { open } = await attempt(given)
  expect([open, opened]).toEqual([false, []])
})

it('hands nothing over for a viewer', async () => {
  const { ws } = await attempt({ cookie: 'session=vera', origin: own() })
  await eventually('it is closed', 5000, async () => ws.readyState === WebSocket.CLOSED)
  expect(opened).toEqual([])
})

it('closes a socket whose login has ended', async () => {
  const { ws, open } = await attempt({ cookie: 'session=ana', origin: own() })
  expect(open).toBe(true)
  let code = 0
  let gone = false
  last?.onClose(() => (gone = true))
  ws.addEventListener('close', (event) => (code = event.code))
  const person = signedIn.get('ana')
  signedIn.delete('ana')
  await eventually('it is closed', 5000, async () => code === 4401 && gone)
  if (person) signedIn.set('ana', person)
})

it('takes no packet that is longer than a frame', async () => {
  const { ws } = await attempt({ cookie: 'session=ana', origin: own() })
  const taken: number[] = []
  last?.onMessage((data) => void taken.push(data.length))
  ws.send(new Uint8Array(1000))
  ws.send('text is nothing')
  await eventually('it comes', 5000, async () => taken.length === 1)
  ws.send(new Uint8Array(200_000))
  await eventually('it is cut', 5000, async () => ws.readyState === WebSocket.CLOSED)
  expect(taken).toEqual([1000])
})
