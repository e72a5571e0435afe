import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mosquittoConfig } from '../../../server/broker/mosquitto.ts'
import { ROOT } from '../../support/sources.ts'

describe('mosquitto', () => {
  it('is configured in the documentation as the server means it', () => {
    const text = readFileSync(join(ROOT, 'docs/external-broker.md'), 'utf8')
    const shown = /```conf\n([^]*?)```/.exec(text)![1]!
    const certificates = '/etc/mosquitto/certs'
    expect(shown.replace(/^ +/gm, '')).toBe(
      mosquittoConfig({
        host: '0.0.0.0',
        port: 8883,
        caPath: `${certificates}/vigia-ca.crt`,
        certPath: `${certificates}/vigia.pem`,
        keyPath: `${certificates}/vigia.pem`,
        aclPath: '/var/lib/vigia-broker/acl',
      }),
    )
  })
})
