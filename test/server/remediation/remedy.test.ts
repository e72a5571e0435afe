import { describe, expect, it } from 'vitest'
import { fillParameters, readRemedy } from '../../../server/remediation/remedy.ts'

describe('the parameters of a remedy', () => {
  it('take labels, and only as they are', () => {
    const filled = fillParameters(
      { mount: '{{labels.mount}}', both: '{{ labels.a }}-{{labels.b}}', count: 3, plain: 'x' },
      { mount: '/srv/$(reboot)', a: '{{labels.b}}', b: '2' },
    )
    expect(filled).toEqual({ mount: '/srv/$(reboot)', both: '{{labels.b}}-2', count: 3, plain: 'x' })
  })
  it('name every label that is missing', () => {
    expect(() => fillParameters({ a: '{{labels.x}}', b: '{{labels.constructor}}' }, {})).toThrow(
      expect.objectContaining({ code: 'COMMAND_MALFORMED', faults: [expect.anything(), expect.anything()] }),
    )
  })
  it('are read back as an incident keeps them', () => {
    expect(readRemedy({ name: 'x', parameters: {}, attemptsPerHour: 2, verifyWithin: '90s' })).toEqual({
      remedy: { name: 'x', parameters: {}, attemptsPerHour: 2, verifyWithinMs: 90_000 },
      noRemedy: null,
    })
    expect(readRemedy({ noRemedy: 'why' })).toEqual({ remedy: null, noRemedy: 'why' })
  })
})
