import { expect, it } from 'vitest'
import { createPacer } from '../../../server/run/pacer.ts'

it('serves whatever is asked, also at the moment at which the call before is just over', async () => {
  for (let turns = 0; turns < 30; turns++) {
    let calls = 0
    const pacer = createPacer({
      work: async () => void (calls += 1),
      fault: (error) => {
        throw error
      },
      now: () => 0,
      sleep: async () => undefined,
    })
    pacer.ask('run')
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    const before = calls
    pacer.ask('run')
    await pacer.idle()
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    expect(calls, `asked again after ${turns} turns`).toBeGreaterThan(turns === 0 ? 0 : before)
  }
})
