import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import { createAlertQueue } from '../../../server/alert/queue.ts'

const alert = (fingerprint: string, kind: 'firing' | 'resolved' = 'firing'): AlertTransition => ({
  kind,
  rule: 'r',
  ruleVersion: '1',
  cause: fingerprint,
  client: 'c',
  device: 'd',
  metric: 'm',
  labels: {},
  fingerprint,
  atMs: 0,
  evidence: { value: 1, unit: '', threshold: null, forecast: null, points: [], sentence: '' },
})

describe('the queue of alerts', () => {
  it('delivers each alert once and in order while the records come and go', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(99), { maxLength: 5 }), { maxLength: 20 }),
        fc.array(fc.boolean(), { maxLength: 40 }),
        async (batches, faults) => {
          const delivered: string[] = []
          const queue = createAlertQueue({
            deliver: async (alerts) => {
              await Promise.resolve()
              if (faults.pop() === true) throw new VigiaError('RECORDS_UNAVAILABLE', 'away')
              delivered.push(...alerts.map((one) => one.fingerprint))
            },
            sleep: () => Promise.resolve(),
            onRetry: () => undefined,
            onLost: () => expect.unreachable(),
          })
          for (const [index, batch] of batches.entries()) {
            queue.push(batch.map((value, at) => alert(`${index}/${at}/${value}`)))
            if (index % 3 === 0) await Promise.resolve()
          }
          await queue.drained()
          expect(queue.size()).toBe(0)
          expect(delivered).toEqual(
            batches.flatMap((batch, index) => batch.map((value, at) => `${index}/${at}/${value}`)),
          )
        },
      ),
    )
  })

  it('takes an alert at whatever moment of the end of a delivery it comes', async () => {
    for (let moments = 0; moments < 12; moments++) {
      const delivered: string[] = []
      const queue = createAlertQueue({
        deliver: async (alerts) => void delivered.push(...alerts.map((one) => one.fingerprint)),
        sleep: () => Promise.resolve(),
        onRetry: () => undefined,
        onLost: () => expect.unreachable(),
      })
      queue.push([alert('first')])
      for (let moment = 0; moment < moments; moment++) await Promise.resolve()
      queue.push([alert('second')])
      await queue.drained()
      expect(delivered, `after ${moments} moments`).toEqual(['first', 'second'])
    }
  })

  it('goes on after a delivery that fails at once', async () => {
    const delivered: string[] = []
    const queue = createAlertQueue({
      deliver: (alerts) => {
        if (alerts[0]?.fingerprint === 'bad') throw new Error('broken')
        delivered.push(...alerts.map((one) => one.fingerprint))
        return Promise.resolve()
      },
      sleep: () => Promise.resolve(),
      onRetry: () => undefined,
      onLost: () => undefined,
    })
    queue.push([alert('bad')])
    queue.push([alert('good')])
    await queue.drained()
    expect(delivered).toEqual(['good'])
  })

  it('does not let one bad alert stop the others', async () => {
    const delivered: string[] = []
    const lost: string[] = []
    const queue = createAlertQueue({
      deliver: async (alerts) => {
        if (alerts.some((one) => one.fingerprint === 'bad')) throw new Error('broken')
        delivered.push(...alerts.map((one) => one.fingerprint))
      },
      sleep: () => Promise.resolve(),
      onRetry: () => undefined,
      onLost: (_error, alerts) => lost.push(...alerts.map((one) => one.fingerprint)),
    })
    queue.push([alert('a'), alert('bad'), alert('b')])
    await queue.drained()
    expect(delivered).toEqual(['a', 'b'])
    expect(lost).toEqual(['bad'])
  })
})
