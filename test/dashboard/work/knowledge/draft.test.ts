import { describe, expect, it } from 'vitest'
import { DEFAULT_WAVES, RunRequest } from '../../../../contract/run.ts'
import { newDraft, parseWaves, requestOf } from '../../../../dashboard/work/knowledge/draft.ts'

const device = 'd-aaaaaaaaaaaaaaaa'

describe('a run as the form has it', () => {
  it('begins with the defaults of the contract', () => {
    const request = requestOf(newDraft({ script: 'clear-temp', devices: [device] }))
    expect(request).toEqual(
      RunRequest.parse({ script: 'clear-temp', target: { kind: 'devices', devices: [device] } }),
    )
  })

  it('is none while a script, a target or a time is missing', () => {
    expect(requestOf(newDraft({ devices: [device] }))).toBeUndefined()
    expect(requestOf(newDraft({ script: 'x' }))).toBeUndefined()
    expect(requestOf(newDraft({ script: 'x', devices: [device], when: 'at', at: '' }))).toBeUndefined()
    expect(requestOf(newDraft({ script: 'x', target: 'selector', selector: '  ' }))).toBeUndefined()
    expect(requestOf(newDraft({ script: 'x', devices: [device], waves: '1, x' }))).toBeUndefined()
  })

  it('takes a condition, a view and a schedule', () => {
    const zone = { timeZone: 'Europe/Madrid' }
    expect(
      requestOf(
        newDraft({
          script: 'x',
          target: 'selector',
          selector: " os == 'linux' ",
          when: 'cron',
          cron: '0 3 * * *',
          ...zone,
        }),
      ),
    ).toMatchObject({
      target: { kind: 'selector', client: null, selector: "os == 'linux'" },
      when: { kind: 'cron', cron: '0 3 * * *', ...zone },
    })
  })

  it('reads waves, and says when they are none', () => {
    expect(parseWaves('1, 1%, 10%,100 %')).toEqual(DEFAULT_WAVES)
    for (const wrong of ['', '0', '-1', '1.5', '101%', '0%', '1 2', 'all'])
      expect(parseWaves(wrong)).toBeUndefined()
  })
})
