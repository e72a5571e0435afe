import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_POLICY } from '../../contract/down.ts'
import { ClientId, DeviceId } from '../../contract/ids.ts'
import { parseConfig } from '../../agent/config.ts'
import { FIRST_POLICY } from '../../agent/policy.ts'

const good = {
  serverUrl: 'http://127.0.0.1:7400',
  mqttUrl: 'mqtts://127.0.0.1:8883',
  client: 'acme',
  device: 'd-aaaaaaaaaaaaaaaa',
}

describe('parseConfig', () => {
  it('reads what enrolment writes', () => {
    expect(parseConfig(JSON.stringify(good), 'f')).toEqual({ config: good, faults: [] })
  })

  it('names every fault at once', () => {
    const { config, faults } = parseConfig('{"serverUrl":"ftp://x","mqttUrl":"mqtt://x","client":"A"}', 'f')
    expect(config).toBeUndefined()
    expect(faults.map(({ field }) => field)).toEqual(['serverUrl', 'mqttUrl', 'client', 'device'])
    expect(parseConfig('[', 'f').faults).toHaveLength(1)
    expect(parseConfig('[]', 'f').faults).toHaveLength(1)
  })

  it('takes the identities that the contract takes', () => {
    const text = fc.oneof(
      fc.stringMatching(/^[a-z0-9-]{1,45}$/),
      fc.stringMatching(/^d-[a-z0-9]{15,17}$/),
      fc.string(),
    )
    fc.assert(
      fc.property(text, text, (client, device) => {
        const { faults } = parseConfig(JSON.stringify({ ...good, client, device }), 'f')
        const fields = faults.map(({ field }) => field)
        expect(fields.includes('client')).toBe(!ClientId.safeParse(client).success)
        expect(fields.includes('device')).toBe(!DeviceId.safeParse(device).success)
      }),
    )
  })

  it('begins with the default policy of the contract', () => {
    expect(FIRST_POLICY).toEqual(DEFAULT_POLICY)
  })
})
