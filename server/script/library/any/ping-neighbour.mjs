// Asks whether VIGIA_PARAM_HOST answers from here. Exit codes: 0 it answers, 1 it does not, 2 a value is refused.
import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'

const host = process.env.VIGIA_PARAM_HOST ?? ''
const ports = (process.env.VIGIA_PARAM_PORTS ?? '')
  .split(',')
  .filter((port) => port !== '')
  .map(Number)
if (
  !/^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?$/.test(host) ||
  ports.some((port) => !(port >= 1 && port <= 65535))
) {
  console.error('refused: not a host, or not ports')
  process.exit(2)
}
const words =
  process.platform === 'win32'
    ? ['-n', '3', '-w', '2000', host]
    : process.platform === 'darwin'
      ? ['-n', '-c', '3', '-W', '2000', host]
      : ['-n', '-c', '3', '-W', '2', host]
const ping = spawnSync('ping', words, { encoding: 'utf8', timeout: 20_000, windowsHide: true })
if (ping.error) console.log(`ping: not possible here (${ping.error.code ?? ping.error.message})`)
else console.log(`ping:\n${ping.stdout.trim()}`)
// Windows ends well also when a router answers that the host cannot be reached; an answer of the host has a TTL.
const pinged = ping.status === 0 && (process.platform !== 'win32' || /TTL=/i.test(ping.stdout))

/** A refusal is an answer too: somebody is there. */
const tryPort = (port) =>
  new Promise((resolve) => {
    const began = performance.now()
    const socket = connect({ host, port, timeout: 3000 })
    const end = (word) => {
      socket.destroy()
      resolve({ port, word, ms: Math.round(performance.now() - began) })
    }
    socket.once('connect', () => end('open'))
    socket.once('timeout', () => end('silent'))
    socket.once('error', (error) => end(error.code === 'ECONNREFUSED' ? 'closed' : (error.code ?? 'failed')))
  })
const tried = await Promise.all(ports.map(tryPort))
for (const { port, word, ms } of tried) console.log(`port ${port}: ${word} after ${ms} ms`)
const answers = pinged || tried.some(({ word }) => word === 'open' || word === 'closed')
console.log(`VIGIA_FIELD answers=${answers}`)
console.log(`VIGIA_FIELD ping=${ping.error ? 'not possible' : pinged}`)
console.log(
  `VIGIA_FIELD open_ports=${tried
    .filter(({ word }) => word === 'open')
    .map(({ port }) => port)
    .join(' ')}`,
)
if (!answers) {
  console.error(`${host} does not answer from here`)
  process.exitCode = 1
}
