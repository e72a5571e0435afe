import { expect, it } from 'vitest'
import { compileSelector } from '../../rules/selector.ts'
import { DEVICE } from './support.ts'

function select(text: string, device = DEVICE): boolean {
  const compiled = compileSelector(text)
  if ('fault' in compiled) throw new Error(compiled.fault.message)
  return compiled.selector(device)
}

it('asks a device by CEL', () => {
  expect(select('device.os == "linux" && !("laptop" in device.tags)')).toBe(true)
  expect(select('device.os == "linux" && !("laptop" in device.tags)', { ...DEVICE, tags: ['laptop'] })).toBe(
    false,
  )
  expect(select('device.hostname.startsWith("srv") && device.client in ["demo", "acme"]')).toBe(true)
})

it('finds faults before it runs, with their place', () => {
  expect(compileSelector('device.osx == "a"')).toMatchObject({
    fault: { offset: 7, message: 'No such key: osx' },
  })
  expect(compileSelector('device.os ==')).toMatchObject({ fault: { offset: 12 } })
  expect(compileSelector('device.os == 1')).toHaveProperty('fault')
  expect(compileSelector('device.hostname.matches("web(")')).toMatchObject({
    fault: { offset: 24, message: expect.stringMatching(/regular expression/) },
  })
  expect(compileSelector('device.os')).toMatchObject({
    fault: { message: 'the selector is a string, not a bool' },
  })
})

it('answers no where only the device makes it fail', () => {
  expect(select('device.tags[0] == "server"')).toBe(false)
  expect(select('device.tags[0] == "server"', { ...DEVICE, tags: ['server'] })).toBe(true)
  expect(select('timestamp("2026-01-01T00:00:00Z").getHours(device.hostname) == 1')).toBe(false)
  expect(select('bytes(device.hostname).json() == {}')).toBe(false)
})

it('takes no longer for a text made to hold it', () => {
  const hostile = { ...DEVICE, hostname: `${'a'.repeat(5000)}!` }
  const ask = (text: string): unknown => {
    const compiled = compileSelector(text)
    return 'fault' in compiled ? compiled.fault.message : compiled.selector(hostile)
  }
  const startMs = performance.now()
  expect(ask('device.hostname.matches("^(a+)+$")')).toBe(false)
  expect(ask('device.hostname.matches("a!")')).toBe(true)
  expect(ask('device.hostname.matches("a" + "(")')).toBe(false)
  expect(ask('"x.matches(" in device.tags')).toBe(false)
  const large = '(a?){1000}'.repeat(9)
  expect(ask(`device.hostname.split("").all(c, !device.hostname.matches("${large}y"))`)).toBe(false)
  expect(performance.now() - startMs).toBeLessThan(2000)
  expect(ask('device.tags.all(a, device.tags.all(b, a != b))')).toMatch(/within another/)
  expect(ask('device.tags.exists(t, t == "s") || device.tags.all(t, t != "x")')).toBe(true)
})

it('lets no comment, text or name hide what would hold it', () => {
  const hostile = {
    ...DEVICE,
    hostname: `${'a'.repeat(200)}!`,
    tags: Array.from({ length: 32 }, (_, at) => `t${at}`),
  }
  const ask = (text: string): unknown => {
    const compiled = compileSelector(text)
    return 'fault' in compiled ? compiled.fault.message : compiled.selector(hostile)
  }
  const regex = 'matches("^(a+)+$")'
  expect(ask(`true // '\n && device.hostname.${regex}`)).toBe(false)
  expect(ask(`'''a'b''' != "" && device.hostname.${regex}`)).toBe(false)
  expect(ask(`device.hostname. // '\n${regex}`)).toBe(false)
  expect(ask('device.hostname.matches(1)')).toMatch(/matches/)
  const hidden = 'device.tags.all//\n(a, device.tags.all//\n(b, a != b))'
  expect(ask(hidden)).toMatch(/within another/)
  expect(compileSelector(hidden)).toMatchObject({ fault: { offset: hidden.lastIndexOf('device') } })
  expect(ask('device.tags.exists(t, t in device.tags.filter(u, u != t))')).toMatch(/within another/)
  const joined = `${'device.tags.join('.repeat(9)}""${')'.repeat(9)}`
  expect(ask(`${joined} == ""`)).toMatch(/only once/)
  const bound = `cel.bind(b, a + a, cel.bind(c, b + b, c == c))`
  expect(ask(`cel.bind(a, device.tags, ${bound})`)).toMatch(/only once/)
  expect(ask(`device.tags${'.map(x, x + x)'.repeat(29)}.all(x, x.size() > 1)`)).toMatch(/only once/)
  expect(ask('device.tags.map(t, t.lowerAscii()).exists(t, t == "t7")')).toBe(true)
})
