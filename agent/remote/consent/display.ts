import { connect } from 'node:net'
import { join } from 'node:path'

const ANSWER_MS = 2000
/** X11 protocol, 8 (connection set-up): little endian, version 11, no authorization. Any answer will do, also a no. */
const X_HELLO = Buffer.from([0x6c, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0])
/** Wayland, wl_display.sync: object 1, request 0 in 12 bytes, callback 2. */
const WAYLAND_HELLO = Buffer.from([1, 0, 0, 0, 0, 0, 12, 0, 2, 0, 0, 0])

/**
 * Does the display of a desktop still answer? Programs end with the code of a closed window, and often without a word,
 * when their display goes away under them; a socket that takes a connection is none yet that answers. True where the
 * display cannot be asked, as over a network.
 */
export function displayAnswers(env: Readonly<Record<string, string>>): Promise<boolean> {
  const { WAYLAND_DISPLAY: wayland, XDG_RUNTIME_DIR: runtime, DISPLAY: x = '' } = env
  if (wayland !== undefined && runtime !== undefined) return answers(join(runtime, wayland), WAYLAND_HELLO)
  const number = /^(?:unix)?:(\d+)(?:\.\d+)?$/.exec(x)?.[1]
  return number === undefined ? Promise.resolve(true) : answers(`/tmp/.X11-unix/X${number}`, X_HELLO)
}

function answers(path: string, hello: Buffer): Promise<boolean> {
  const socket = connect(path)
  socket.setTimeout(ANSWER_MS)
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => socket.write(hello))
    socket.once('data', () => resolve(true))
    for (const end of ['error', 'close', 'timeout']) socket.once(end, () => resolve(false))
  }).finally(() => socket.destroy())
}
