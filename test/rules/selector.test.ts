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
  expect(compileSelector('device.os')).toMatchObject({
    fault: { message: 'the selector is a string, not a bool' },
  })
})

it('answers no where only the device makes it fail', () => {
  expect(select('device.tags[0] == "server"')).toBe(false)
  expect(select('device.tags[0] == "server"', { ...DEVICE, tags: ['server'] })).toBe(true)
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
  expect(ask('device.hostname.matches("a(")')).toBe(false)
  expect(ask('"x.matches(" in device.tags')).toBe(false)
  expect(performance.now() - startMs).toBeLessThan(2000)
  expect(ask('device.tags.all(a, device.tags.all(b, a != b))')).toMatch(/within another/)
  expect(ask('device.tags.exists(t, t == "s") || device.tags.all(t, t != "x")')).toBe(true)
})
