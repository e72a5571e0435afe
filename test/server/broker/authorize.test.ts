import { describe, expect, it } from 'vitest'
import { upTopic } from '../../../contract/topics.ts'
import { createHooks } from '../../../server/broker/authorize.ts'
import { unsetHandlers } from '../../../server/broker/broker.ts'
import { device } from './bench-of-devices.ts'

describe('hooks of aedes', () => {
  it('take the will of a dead broker, which has no client, for nothing', () => {
    const handlers = unsetHandlers()
    const heard: string[] = []
    handlers.up = (_address, channel) => {
      heard.push(channel)
      return 'taken'
    }
    const hooks = createHooks({
      connectionOf: () => undefined,
      handlers,
      admit: () => 'ok',
      refusedConnection: () => undefined,
    })
    const answers: unknown[] = []
    hooks.authorizePublish(
      null,
      {
        cmd: 'publish',
        topic: upTopic(device('a'), 'gone'),
        payload: 'x',
        qos: 1,
        dup: false,
        retain: false,
      },
      (error) => answers.push(error),
    )
    expect(answers).toEqual([null])
    expect(heard).toEqual([])
  })
})
