import type { SigningKey } from '../../server/script/keys.ts'
import { printable } from '../output.ts'
import type { ServerApi } from '../server-api.ts'
import { openRemoteSession } from './session.ts'

const NO_COLUMNS = 80
const NO_ROWS = 24
/** Ctrl+C: while the person there is asked it is nobody else's than ours. */
const INTERRUPT = 0x03

/**
 * A shell of a device on this terminal: what is typed goes there as it is, Enter ~ . ends it, and Ctrl+C while the person
 * there is still asked. Where standard input is
 * no terminal, what it holds is typed, and the session goes on until the shell ends. Answers the shell's exit code.
 */
export async function runTerminal(options: {
  server: ServerApi
  key: SigningKey
  device: string
  reason: string
}): Promise<number> {
  const { stdin, stdout, stderr } = process
  let exit: number | undefined
  let begun = false
  const early: Buffer[] = []
  const size = (): [number, number] => [
    Math.min(500, Math.max(20, stdout.columns ?? NO_COLUMNS)),
    Math.min(300, Math.max(5, stdout.rows ?? NO_ROWS)),
  ]
  const [columns, rows] = size()
  const session = await openRemoteSession({
    ...options,
    ...{ kind: 'terminal', control: true, columns, rows },
    onState(state, code) {
      if (state === 'asking') {
        stderr.write(`The person at the machine is asked. Both of you read out: ${code}\n`)
        return
      }
      stderr.write(`Connected; the code that the device shows is ${code}.\n`)
      begun = true
      setImmediate(() => {
        for (const bytes of early.splice(0)) session.send('data', bytes)
      })
    },
    onFrame(type, payload) {
      if (type === 'data') stdout.write(payload)
      else if (type === 'event') exit = exitOf(payload)
    },
  })
  const escape = createEscape()
  const typed = (bytes: Buffer): void => {
    if (stdin.isTTY && (escape(bytes) || (!begun && bytes.includes(INTERRUPT)))) void session.leave()
    else if (!begun || !session.send('data', bytes)) early.push(bytes)
  }
  const resized = (): void => {
    const payload = Buffer.alloc(4)
    const [width, height] = size()
    payload.writeUInt16BE(width, 0)
    payload.writeUInt16BE(height, 2)
    session.send('resize', payload)
  }
  if (stdin.isTTY) stdin.setRawMode(true)
  stdin.on('data', typed)
  stdout.on('resize', resized)
  try {
    const { code, message } = await session.over
    stderr.write(
      `\r\n${code === 'ended' ? 'Ended.' : printable(`Ended: ${code}${message === null ? '' : ` (${message})`}`)}\r\n`,
    )
    return exit ?? (code === 'ended' ? 0 : 1)
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false)
    stdin.off('data', typed)
    stdin.pause()
    stdout.off('resize', resized)
  }
}

/** Knows Enter ~ . as OpenSSH does (ssh(1), ESCAPE CHARACTERS), also when it comes key by key. */
function createEscape(): (bytes: Buffer) => boolean {
  let last = '\r'
  let before = ''
  return (bytes) => {
    for (const char of bytes.toString('latin1')) {
      if (before === '\r' && last === '~' && char === '.') return true
      before = last
      last = char === '\n' ? '\r' : char
    }
    return false
  }
}

function exitOf(payload: Uint8Array): number | undefined {
  const said: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
  return typeof said === 'object' && said !== null && 'exit' in said && typeof said.exit === 'number'
    ? said.exit
    : undefined
}
