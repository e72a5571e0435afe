import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Display } from './display.ts'
import { eventually } from './installation.ts'

/** The question that is asked of the person, or the notice of who is connected. */
type Dialog = '--question' | '--info'

/** The person at a display, who reads and answers what zenity shows there. */
export type Person = {
  /** The programs of this kind that show a dialog there, with what they were started with. */
  dialogs(kind: Dialog): { pid: number; said: string }[]
  /** What such a dialog says; empty when there is none. */
  reads(kind: Dialog): string
  /** Presses the button so many pixels from the right of such a dialog, until that dialog is gone. */
  press(kind: Dialog, fromRight: number): Promise<void>
}
/** Where the buttons of the dialogs are, in pixels from the right. */
export const BUTTONS = { allow: -50, refuse: -142, end: -60 } as const

export function personAt(display: Display): Person {
  const dialogs: Person['dialogs'] = (kind) =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => {
        try {
          const [environ = '', said = ''] = ['environ', 'cmdline'].map((file) =>
            readFileSync(`/proc/${name}/${file}`, 'utf8'),
          )
          const here = environ.split('\0').includes(`DISPLAY=${display.name}`)
          return { pid: Number(name), said: here ? said : '' }
        } catch {
          return { pid: 0, said: '' }
        }
      })
      .filter(({ said }) => said.startsWith('/usr/bin/zenity\0') && said.includes(kind))
  const reads: Person['reads'] = (kind) =>
    dialogs(kind)
      .map(({ said }) => said)
      .join('\n')
  return {
    dialogs,
    reads,
    async press(kind, fromRight) {
      const shown = await eventually('the dialog', 20_000, async () => dialogs(kind)[0])
      const stands = (): boolean => dialogs(kind).some(({ pid }) => pid === shown.pid)
      await eventually('the dialog to go', 20_000, async () => {
        if (!stands()) return true
        try {
          // Another dialog may lie there still, or be there already: this one is known by its program.
          const window = await display.window('remote help', shown.pid)
          const place = display.xdotool('getwindowgeometry', '--shell', window)
          const [, width = 0, height = 0] = /WIDTH=(\d+)\nHEIGHT=(\d+)/.exec(place)!.map(Number)
          display.click(window, width + fromRight, height - 24)
        } catch {
          // xdotool knows no such window any more.
        }
        await sleep(700)
        return !stands()
      })
    },
  }
}
