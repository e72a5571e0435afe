// Asks whether a database answers. Exit codes: 0 it does, 1 it does not or speaks another protocol, 2 a value is refused.
import { connect } from 'node:net'

const host = process.env.VIGIA_PARAM_HOST ?? '127.0.0.1'
const kind = process.env.VIGIA_PARAM_KIND ?? ''
const USUAL = { postgresql: 5432, mysql: 3306, sqlserver: 1433, redis: 6379 }
if (!/^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?$/.test(host) || !Object.hasOwn(USUAL, kind)) {
  console.error('refused: not a host, or not a kind of database')
  process.exit(2)
}
const port = Number(process.env.VIGIA_PARAM_PORT ?? 0) || USUAL[kind]

// What is said first, and what an answer begins with.
const TALK = {
  // SSLRequest (PostgreSQL, 55.7): answered with one letter, S or N; E is an error of a server that is there.
  postgresql: {
    ask: Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]),
    answer: (bytes) => ['S', 'N', 'E'].includes(String.fromCharCode(bytes[0])) && 'ready',
  },
  // The server speaks first: protocol 10 with its version, or 255 with an error ("too many connections", "host blocked").
  mysql: {
    ask: null,
    answer: (bytes) =>
      bytes[4] === 10
        ? bytes.subarray(5, bytes.indexOf(0, 5)).toString('latin1')
        : bytes[4] === 255 && `error ${bytes.readUInt16LE(5)}`,
  },
  // PRELOGIN (MS-TDS 2.2.6.5) with the option VERSION; the answer is a table response, type 4.
  sqlserver: {
    ask: Buffer.from([0x12, 1, 0, 0x14, 0, 0, 0, 0, 0, 0, 6, 0, 6, 0xff, 0, 0, 0, 0, 0, 0]),
    answer: (bytes) => bytes[0] === 4 && 'ready',
  },
  redis: {
    ask: Buffer.from('PING\r\n'),
    answer: (bytes) => /^(\+PONG|-NOAUTH|-DENIED|-ERR|-LOADING)/.exec(bytes.toString('latin1'))?.[1],
  },
}[kind]

const began = performance.now()
const end = (code, words, said) => {
  const ms = Math.round(performance.now() - began)
  console.log(`VIGIA_FIELD answers=${code === 0}`)
  console.log(`VIGIA_FIELD answer_ms=${ms}`)
  if (said) console.log(`VIGIA_FIELD said=${said.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 80)}`)
  if (code === 0) console.log(`${kind} at ${host}:${port} answers after ${ms} ms`)
  else console.error(`${kind} at ${host}:${port}: ${words}`)
  process.exit(code)
}
const socket = connect({ host, port, timeout: 5000 })
socket.once('error', (error) => end(1, error.code ?? error.message))
socket.once('timeout', () => end(1, 'no answer within 5 s'))
socket.once('close', () => end(1, 'the connection was closed without an answer'))
socket.once('connect', () => {
  if (TALK.ask !== null) socket.write(TALK.ask)
})
socket.once('data', (bytes) => {
  const said = bytes.length > 0 && (kind !== 'mysql' || bytes.length > 6) && TALK.answer(bytes)
  if (said) end(0, '', String(said))
  end(1, 'something else answers there')
})
