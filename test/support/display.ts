import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** A real X display without a screen of its own (Xvfb), and what a person at it would do. */
export type Display = {
  name: string
  env: NodeJS.ProcessEnv
  /** What makes this display that of an installation, in place of the desktop at which nobody is. */
  at: Record<string, string>
  /** Starts a program on it; it ends with the display. */
  run(file: string, args: readonly string[]): ChildProcess
  xdotool(...args: string[]): string
  /** The window with this in its title, and of this process where one is named, once it can be seen. */
  window(title: string, pid?: number): Promise<string>
  /** Is there a window with this in its title? */
  shows(title: string): boolean
  /** Presses the mouse at this place of a window. */
  click(window: string, x: number, y: number): void
  /** How much of the screen has this colour, such as 0x204060: from 0 to 1. */
  share(colour: number): number
  /** A key pressed in the window that has the keyboard. */
  key(name: string, window: string): void
  close(): Promise<void>
}

/** Starts a display; `screen` is WIDTHxHEIGHTxDEPTH. */
export async function startDisplay(screen = '800x600x24'): Promise<Display> {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-display-'))
  const children: ChildProcess[] = []
  const server = spawn(
    'Xvfb',
    ['-displayfd', '3', '-screen', '0', screen, '-nolisten', 'tcp', '-noreset', '-fbdir', folder],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    },
  )
  children.push(server)
  const number = await new Promise<string>((resolve, reject) => {
    let text = ''
    const said = server.stdio[3] as Readable
    said.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(text.trim())
    })
    server.once('exit', (code) => reject(new Error(`Xvfb ended with ${code}`)))
    server.once('error', reject)
  })
  const name = `:${number}`
  const env: NodeJS.ProcessEnv = { ...process.env, DISPLAY: name, HOME: folder, LC_ALL: 'C.UTF-8' }
  delete env['WAYLAND_DISPLAY']
  const xdotool = (...args: string[]): string =>
    execFileSync('xdotool', args, {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    }).trim()
  const find = (title: string, pid?: number): string[] => {
    const of = pid === undefined ? [] : ['--all', '--pid', String(pid)]
    try {
      return xdotool('search', '--onlyvisible', ...of, '--name', title)
        .split('\n')
        .filter(Boolean)
    } catch {
      // xdotool ends with 1 when it finds nothing.
      return []
    }
  }
  return {
    name,
    env,
    at: { DISPLAY: name, WAYLAND_DISPLAY: '' },
    run(file, args) {
      const child = spawn(file, args, { env, cwd: folder, stdio: 'ignore' })
      children.push(child)
      return child
    },
    xdotool,
    async window(title, pid) {
      for (const deadline = performance.now() + 15_000; performance.now() < deadline; await sleep(50)) {
        const [first] = find(title, pid)
        if (first !== undefined) return first
      }
      throw new Error(`no window named ${title} on ${name}`)
    },
    shows: (title) => find(title).length > 0,
    click: (window, x, y) =>
      // Nothing keeps windows in order on a bare display: another may lie over it.
      void xdotool(
        ...['windowraise', window, 'mousemove', '--window', window],
        ...[String(x), String(y), 'click', '1'],
      ),
    key: (key, window) => void xdotool('windowfocus', '--sync', window, 'key', key),
    share(colour) {
      // XWDFile.h: the size of the head, and after it the colours of 12 bytes each; fields are 32 bit, big endian.
      const file = readFileSync(join(folder, 'Xvfb_screen0'))
      const pixels = file.subarray(file.readUInt32BE(0) + file.readUInt32BE(76) * 12)
      let found = 0
      for (let at = 0; at + 4 <= pixels.length; at += 4)
        if ((pixels.readUInt32LE(at) & 0xff_ff_ff) === colour) found += 1
      return found / (pixels.length / 4)
    },
    async close() {
      for (const child of children.reverse()) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGTERM')
        await Promise.race([gone, sleep(3000)])
        child.kill('SIGKILL')
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
