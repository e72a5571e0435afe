import { describe, expect, it } from 'vitest'
import { VigiaError } from '../../contract/errors.ts'
import { parseConfig } from '../../server/config.ts'

describe('the configuration', () => {
  it('is whole when the file is empty', () => {
    const config = parseConfig('', 'vigia.yaml', {})
    expect(config.http).toEqual({ host: '127.0.0.1', port: 7400, names: [], proxies: [] })
    expect(config.mqtt.port).toBe(8883)
    expect(config.store.kind).toBe('duckdb')
  })

  it('lets options win over the file', () => {
    expect(parseConfig('http: { port: 1 }', 'vigia.yaml', { httpPort: 2 }).http.port).toBe(2)
  })

  it('takes addresses and networks of proxies, and says what one is', () => {
    const proxies = (text: string) =>
      parseConfig(`http: { proxies: [${text}] }`, 'vigia.yaml', {}).http.proxies
    expect(proxies('127.0.0.1, "::1", 10.0.0.0/8')).toEqual(['127.0.0.1', '::1', '10.0.0.0/8'])
    for (const wrong of ['proxy.example', '10.0.0.0/99', 'true'])
      expect(() => proxies(wrong)).toThrow(
        expect.objectContaining({
          faults: [
            expect.objectContaining({
              message: expect.stringContaining('an address or a network') as unknown,
            }),
          ],
        }),
      )
  })

  it('says every fault at once, with file, line and field', () => {
    const text =
      'http:\n  port: 70000\n  hots: x\nstore:\n  kind: influx1\n  url: ftp://x\n  database: v\nlog:\n  level: loud\n'
    try {
      parseConfig(text, 'vigia.yaml', {})
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(VigiaError)
      const { code, faults } = error as VigiaError
      expect(code).toBe('CONFIG_INVALID')
      expect(faults.map(({ file, line, field }) => [file, line, field])).toEqual([
        ['vigia.yaml', 2, 'http.port'],
        ['vigia.yaml', 3, 'http.hots'],
        ['vigia.yaml', 6, 'store.url'],
        ['vigia.yaml', 9, 'log.level'],
      ])
    }
  })

  it('holds the files of a broker outside that belong together to each other', () => {
    const broker = '{ url: mqtts://b, pidFile: /run/p, certFile: /c }'
    try {
      parseConfig(`broker: ${broker}`, 'vigia.yaml', {})
      expect.unreachable()
    } catch (error) {
      const { faults } = error as VigiaError
      expect(faults.map(({ field }) => field)).toEqual(['broker.certFile', 'broker.pidFile'])
    }
    const whole = '{ url: mqtts://b, aclFile: /a, pidFile: /run/p, certFile: /c, keyFile: /k }'
    expect(parseConfig(`broker: ${whole}`, 'vigia.yaml', {}).broker?.aclFile).toBe('/a')
  })

  it('says where the YAML itself is broken', () => {
    expect(() => parseConfig('http: {', 'vigia.yaml', {})).toThrow(VigiaError)
  })
})
