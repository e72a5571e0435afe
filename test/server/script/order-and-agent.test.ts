import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ScriptParameter } from '../../../contract/command.ts'
import { TrustRoot } from '../../../contract/trust/root.ts'
import { verifyCommand, type Claim } from '../../../agent/act/verify.ts'
import { makeKey, openKey, publicPart } from '../../../server/script/keys.ts'
import { projectKey, shippedScripts } from '../../../server/script/library.ts'
import { makeOrder, type OrderRequest } from '../../../server/script/order.ts'

/** What the server signs is what the device accepts: both ends as they ship, nothing between them. */
const online = openKey(makeKey('online'))
const thief = openKey(makeKey('thief'))
const NOW = 1_800_000_000_000
const address = { client: 'demo', device: 'd-aaaaaaaaaaaaaaaa' }
const trust = TrustRoot.parse({
  ...{ v: 1, version: 1, caPem: '' },
  approvers: { threshold: 1, keys: [projectKey()] },
  orderers: { keys: [publicPart(online)] },
})
const clearTemp = shippedScripts().find((script) => script.content.name === 'clear-temp')!

function claim(over: Partial<OrderRequest> = {}, at: Partial<Claim> = {}, key = online): Claim {
  const request: OrderRequest = {
    ...{ ...address, job: randomUUID(), challenge: 'c'.repeat(43), sequence: 8, nonce: 'n'.repeat(22) },
    ...{ script: clearTemp.envelope, parameters: { mount: '/srv' }, nowMs: NOW, ttlMs: 60_000 },
    ...over,
  }
  return {
    ...makeOrder(request, key),
    ...{ trust, address, challenge: 'c'.repeat(43), nowMs: NOW + 1000, system: 'linux', lastSequence: 7 },
    ...{ hellos: [], seen: () => false, recent: () => [], disabled: false },
    ...at,
  }
}

/** A value that fits a parameter without one of its own. */
function exampleOf(name: string, parameter: ScriptParameter): string | number {
  if (parameter.type === 'integer') return parameter.min
  if (parameter.type === 'choice') return parameter.choices[0]!
  const texts = ['/srv', 'ssh', 'C', 'en0', '00:11:22:33:44:55', '/dev/sda', 'a.b', 'host:443']
  const fits =
    'pattern' in parameter && texts.find((text) => new RegExp(`^(?:${parameter.pattern})$`, 'u').test(text))
  if (!fits) throw new Error(`no example fits ${name}`)
  return fits
}

describe('an order of this server at the agent', () => {
  it('is accepted with each script that ships for its system', () => {
    expect(verifyCommand(claim())).toMatchObject({
      values: { mount: '/srv' },
      digest: clearTemp.digest,
      script: { name: 'clear-temp' },
    })
    for (const { envelope, content } of shippedScripts()) {
      const [system] = content.systems
      const given = Object.entries(content.parameters).flatMap(([name, parameter]) =>
        'default' in parameter && parameter.default !== undefined ? [] : [[name, exampleOf(name, parameter)]],
      )
      const order = claim({ script: envelope, parameters: Object.fromEntries(given) }, system && { system })
      expect(verifyCommand(order).script.name).toBe(content.name)
    }
  })
  it.each<[string, Claim, string]>([
    ['under a stolen place in the queue, with another key', claim({}, {}, thief), 'COMMAND_FORGED'],
    ['for another device', claim({ device: 'd-bbbbbbbbbbbbbbbb' }), 'COMMAND_RETARGETED'],
    ['of another session', claim({ challenge: 'x'.repeat(43) }), 'COMMAND_REPLAYED'],
    ['that it has passed', claim({ sequence: 7 }), 'COMMAND_REPLAYED'],
    ['that is too old', claim({}, { nowMs: NOW + 60_001 }), 'COMMAND_EXPIRED'],
  ])('is refused when it is one %s', (_title, wrong, code) => {
    expect(() => verifyCommand(wrong)).toThrow(expect.objectContaining({ code }))
  })
})
