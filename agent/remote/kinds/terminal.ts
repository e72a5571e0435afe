import { homedir, userInfo } from 'node:os'
import type { IPty } from '@lydell/node-pty'
import { VigiaError } from '../../../contract/errors.ts'
import { endGroup } from '../group.ts'
import type { RemoteKindUnit } from './kind.ts'

/** What is read from the shell at once goes out as one frame at most this often, so that echo is quick and a flood is cheap. */
const GATHER_MS = 8
/** More than this is not read ahead of what the technician has room for. */
const AHEAD_BYTES = 64 * 1024

/**
 * A login shell of the agent's user in a pty. Bytes go both ways as they are, so that UTF-8 is whole wherever it is
 * cut. `event` frames: `{"exit": code, "signal": number}` when the shell has ended.
 */
export const terminal: RemoteKindUnit = {
  name: 'terminal',
  async start({ request, send, end }) {
    if (!request.control)
      throw new VigiaError('REMOTE_FORBIDDEN', 'A terminal is control; it cannot be opened to look at only')
    const pty = await openPty(request)

    let gathered: Buffer[] = []
    let timer: NodeJS.Timeout | undefined
    let waiting = 0
    let paused = false
    const flush = (): void => {
      timer = undefined
      if (gathered.length === 0) return
      const bytes = Buffer.concat(gathered)
      gathered = []
      timer = setTimeout(flush, GATHER_MS)
      void send('data', bytes).then(() => {
        waiting -= bytes.length
        if (!paused || waiting > AHEAD_BYTES / 2) return
        paused = false
        pty.resume()
      })
    }
    // With `encoding: null` these are bytes, whatever the declaration says.
    pty.onData((given: string | Buffer) => {
      const bytes = typeof given === 'string' ? Buffer.from(given) : given
      gathered.push(bytes)
      waiting += bytes.length
      if (waiting > AHEAD_BYTES && !paused) {
        paused = true
        pty.pause()
      }
      if (timer === undefined) flush()
    })
    let ended = false
    pty.onExit(({ exitCode, signal }) => {
      ended = true
      clearTimeout(timer)
      flush()
      const told = Buffer.from(JSON.stringify({ exit: exitCode, signal: signal ?? 0 }))
      void send('event', told).then(() => end('ended', `the shell ended with ${String(exitCode)}`))
    })

    return {
      receive(type, payload) {
        if (type === 'data') pty.write(Buffer.from(payload) as unknown as string)
        else if (type === 'resize' && payload.length === 4 && !ended) {
          const size = Buffer.from(payload)
          const columns = clamp(size.readUInt16BE(0), 2, 500)
          const rows = clamp(size.readUInt16BE(2), 1, 300)
          try {
            pty.resize(columns, rows)
          } catch {
            // The shell is over: on Windows that is told a second later, when what it printed last has come.
          }
        }
      },
      async stop() {
        clearTimeout(timer)
        await endGroup(pty.pid)
      },
    }
  },
}

async function openPty({ columns, rows }: { columns: number; rows: number }): Promise<IPty> {
  const shell = shellOf()
  try {
    const library = await import('@lydell/node-pty')
    // What is made for one system is loaded with the first pty.
    return library.spawn(shell.file, shell.args, {
      ...{ name: 'xterm-256color', cols: columns, rows, cwd: homedir(), env: environment(), encoding: null },
    })
  } catch (thrown) {
    throw new VigiaError('REMOTE_UNAVAILABLE', 'There is no pty on this system', { cause: thrown })
  }
}

function shellOf(): { file: string; args: string[] } {
  if (process.platform === 'win32')
    return { file: process.env['COMSPEC'] ?? 'C:\\Windows\\System32\\cmd.exe', args: [] }
  const shell = userInfo().shell ?? ''
  const usable = shell !== '' && !/(nologin|false)$/.test(shell)
  return { file: usable ? shell : '/bin/sh', args: ['-l'] }
}

/** The agent's environment without what is the agent's own. */
function environment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(NODE_|npm_|VIGIA_|UV_THREADPOOL)/.test(entry[0]),
  )
  const { LANG: lang = 'C.UTF-8', ...rest } = Object.fromEntries(kept)
  const utf8 = /utf-?8/i.test(rest['LC_ALL'] ?? lang)
  return { ...rest, LANG: utf8 ? lang : 'C.UTF-8', TERM: 'xterm-256color', COLORTERM: 'truecolor' }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
