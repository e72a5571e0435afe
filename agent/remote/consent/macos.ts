import { execFile } from 'node:child_process'
import type { Showing, Shown, Way } from './showing.ts'
import { wordsOf } from './words.ts'

// AppleScript's display dialog, with every text as an argument, so that nothing of it is ever part of the script. The
// agent is a daemon: launchctl asuser puts the program into the person's session. This was written by the documentation
// of Apple and has not been run on macOS.
const ASK = [
  'on run argv',
  'set answer to display dialog (item 1 of argv) with title (item 2 of argv) buttons {item 3 of argv, item 4 of argv} default button 1 with icon caution giving up after ((item 5 of argv) as integer)',
  'if gave up of answer then return "time over"',
  'if button returned of answer is (item 4 of argv) then return "yes"',
  'return "no"',
  'end run',
]
const NOTICE = [
  'on run argv',
  'display dialog (item 1 of argv) with title (item 2 of argv) buttons {item 3 of argv} with icon note',
  'return "no"',
  'end run',
]

/** A dialog in the session of the person at the console; none when that is the login window. */
export const macosWay: Way = async (shown) => {
  const uid = await consoleUser()
  return uid === undefined ? [] : [showingFor(uid, shown, Intl.DateTimeFormat().resolvedOptions().locale)]
}

/** What would be shown to this person. */
export function showingFor(uid: number, shown: Shown, locale: string): Showing {
  const words = wordsOf(shown, locale)
  const texts =
    shown.what === 'ask'
      ? [words.text, words.title, words.no, words.yes, String(shown.timeoutS)]
      : [words.text, words.title, words.end]
  const script = (shown.what === 'ask' ? ASK : NOTICE).flatMap((line) => ['-e', line])
  const person = ['asuser', String(uid), '/usr/bin/sudo', '-u', `#${uid}`]
  return {
    file: '/bin/launchctl',
    args: [...person, '/usr/bin/osascript', ...script, ...texts],
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
    answer({ code, stdout, stderr }) {
      if (code === 0) return stdout.trim() === 'yes' ? 'yes' : 'no'
      // -128: the person closed it. Any other error is from before it was shown.
      return stderr.includes('(-128)') ? 'no' : code === null ? 'failed' : 'unseen'
    },
  }
}

/** Whose the console is (stat(1) of macOS); root while the login window is there. */
function consoleUser(): Promise<number | undefined> {
  return new Promise((resolve) => {
    execFile('/usr/bin/stat', ['-f', '%u', '/dev/console'], { timeout: 5000 }, (fault, stdout) => {
      const uid = Number(stdout.trim())
      resolve(fault || !Number.isInteger(uid) || uid < 500 ? undefined : uid)
    })
  })
}
