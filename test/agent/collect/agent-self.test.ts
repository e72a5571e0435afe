import { describe, expect, it } from 'vitest'
import { agentSelf } from '../../../agent/collect/agent-self.ts'
import { machine, watch } from './machine.ts'

describe('agent-self', () => {
  it('reads its own cost and the outbox that it is given', async () => {
    const read = await watch(machine(), [agentSelf], {
      outbox: () => ({ reports: 12, dropped: 3, diskFull: true }),
    }).run()
    expect(read['agent.outbox_reports']).toBe(12)
    expect(read['agent.outbox_dropped']).toBe(3)
    expect(read['agent.outbox_disk_full']).toBe(1)
    expect(read['agent.cpu_seconds']).toBeGreaterThan(0)
    expect(read['agent.rss_bytes']).toBeGreaterThan(1_000_000)
  })

  it('does not know an outbox that it is not given', async () => {
    expect(await watch(machine(), [agentSelf]).run()).toMatchObject({
      'agent.outbox_reports': null,
      'agent.outbox_dropped': null,
      'agent.outbox_disk_full': null,
    })
  })
})
