import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { askUpsd, parseVariables } from '../../../agent/collect/ups.ts'

/** An upsd on loopback in the words of RFC 9271. */
async function upsd(answers: Record<string, string>): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      for (const line of data.toString().trim().split('\n'))
        socket.write(answers[line] ?? 'ERR UNKNOWN-COMMAND\n')
    })
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

describe('ups', () => {
  it('asks upsd for every supply and its variables', async () => {
    const at = await upsd({
      'LIST UPS': 'BEGIN LIST UPS\nUPS rack1 "Rack 1"\nUPS desk "Desk"\nEND LIST UPS\n',
      'LIST VAR rack1':
        'BEGIN LIST VAR rack1\nVAR rack1 battery.charge "64"\nVAR rack1 battery.runtime "1260"\nVAR rack1 ups.status "OB DISCHRG"\nVAR rack1 ups.mfr "A \\"B\\""\nEND LIST VAR rack1\n',
      'LIST VAR desk': 'ERR DRIVER-NOT-CONNECTED\n',
    })
    expect(await askUpsd(at)).toEqual([
      { ups: 'rack1', charge: 64, onBattery: true, runtimeS: 1260 },
      { ups: 'desk', charge: undefined, onBattery: undefined, runtimeS: undefined },
    ])
  })

  it('finds none where nothing listens, and none in nonsense', async () => {
    expect(await askUpsd({ host: '127.0.0.1', port: 1 })).toEqual([])
    expect(await askUpsd(await upsd({ 'LIST UPS': 'ERR ACCESS-DENIED\n' }))).toEqual([])
    expect(parseVariables('VAR u ups.status "OL CHRG"\nVAR u battery.charge ""\n', 'u')).toEqual({
      ups: 'u',
      charge: undefined,
      onBattery: false,
      runtimeS: undefined,
    })
  })
})
