import { expect, it } from 'vitest'
import { openRemoteSession } from '../../../cli/remote/session.ts'
import type { ServerApi } from '../../../cli/server-api.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { makeKey, openKey, publicPart } from '../../../server/script/keys.ts'

const NOW_MS = 1_800_000_000_000
const key = openKey(makeKey('tess'))

/** What a server would be asked to pass on, when it says that it is so late. */
async function signedFor(
  offeredMs: number,
  clock: { deviceMs: number; serverMs: number } | null = null,
): Promise<{ code: string; asked: string[] }> {
  const asked: string[] = []
  const server = {
    call: async (name: string) => {
      asked.push(name)
      if (name !== 'remoteOffer') throw new VigiaError('REMOTE_UNAVAILABLE', 'no further')
      const device = { client: 'acme', hostname: 'pc', online: true, challenge: 'c'.repeat(43), clock }
      return { ...device, technicians: [publicPart(key)], nowMs: offeredMs }
    },
  } as unknown as ServerApi
  const opening = openRemoteSession({
    ...{ server, key, device: 'd-aaaaaaaaaaaaaaaa', kind: 'terminal', control: true, reason: '' },
    ...{ columns: 80, rows: 24, nowMs: NOW_MS, onState: () => undefined, onFrame: () => undefined },
  })
  const thrown: unknown = await opening.catch((error: unknown) => error)
  return { code: (thrown as VigiaError).code, asked }
}

it('signs no request for another time than its own: a server could hold it back until then', async () => {
  const both = ['remoteOffer', 'openRemote']
  for (const apartMs of [0, 240_000, -240_000])
    expect(await signedFor(NOW_MS + apartMs)).toEqual({ code: 'REMOTE_UNAVAILABLE', asked: both })
  for (const apartMs of [360_000, -360_000, 86_400_000, Number.NaN])
    expect(await signedFor(NOW_MS + apartMs)).toEqual({ code: 'COMMAND_EXPIRED', asked: ['remoteOffer'] })
})

it('signs nothing for a device whose clock would refuse it, and takes no word of the server for that clock', async () => {
  const both = ['remoteOffer', 'openRemote']
  const wrong = (byMs: number) => signedFor(NOW_MS, { deviceMs: 5_000_000 + byMs, serverMs: 5_000_000 })
  for (const byMs of [0, 240_000, -240_000])
    expect(await wrong(byMs)).toEqual({ code: 'REMOTE_UNAVAILABLE', asked: both })
  for (const byMs of [360_000, -10_800_000])
    expect(await wrong(byMs)).toEqual({ code: 'COMMAND_EXPIRED', asked: ['remoteOffer'] })
})
