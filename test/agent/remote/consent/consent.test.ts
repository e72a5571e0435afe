import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createConsent, type Consent, type ConsentRequest } from '../../../../agent/remote/consent/consent.ts'
import { findDesktop, readSession, type Desktop } from '../../../../agent/remote/consent/desktop.ts'
import { showingsOn } from '../../../../agent/remote/consent/linux.ts'
import { showingFor } from '../../../../agent/remote/consent/macos.ts'
import type { Shown } from '../../../../agent/remote/consent/showing.ts'
import { windowsWay } from '../../../../agent/remote/consent/windows.ts'
import { plainText, wordsOf } from '../../../../agent/remote/consent/words.ts'
import { startDisplay, type Display } from '../../../support/display.ts'
import { programPath, suiteNeeding } from '../../../support/servers.ts'
import { eventually } from '../../../support/installation.ts'

const REQUEST: ConsentRequest = {
  technician: 'Ana López',
  reason: 'the printer\n$(touch /tmp/x) "; <b>bold</b> <img src=x> &amp; \\n',
  kind: 'screen',
  control: true,
  code: '042137',
}
const ASKED: Shown = { ...REQUEST, what: 'ask', timeoutS: 60 }

describe('what the person reads', () => {
  it('is plain, whatever the technician wrote', () => {
    const { text } = wordsOf({ ...ASKED, technician: 'A\u202eB\u200b\u0007 <a href="x">' })
    expect(text).toContain('A B ‹a href="x"› asks for permission to see the screen')
    expect(text).toContain('the printer $(touch /tmp/x) "; ‹b›bold‹/b› ‹img src=x› ＆amp; ∖n')
    expect(text).toContain('Code: 042137')
    expect(text).not.toMatch(/[<>&\\]/)
    expect([...plainText('é'.repeat(500), 80)]).toHaveLength(80)
  })

  it('says what the session may do, in the language of the desktop', () => {
    const what = (kind: Shown['kind'], control: boolean, locale: string): string =>
      wordsOf({ ...ASKED, kind, control }, locale).text.split('\n')[0]!
    expect(what('screen', false, 'en_GB')).toContain('see the screen of this computer, without using it')
    expect(what('files', true, '')).toContain('read and change files')
    expect(what('files', false, '')).toContain('to read files on')
    expect(what('terminal', true, '')).toContain('run commands')
    expect(what('screen', true, 'es_ES.UTF-8')).toContain(
      'pide permiso para ver la pantalla de este equipo y usar',
    )
    expect(wordsOf({ ...ASKED, reason: ' \u200b' }).text).toContain('Reason: none was given')
  })
})

describe('whose desktop it is', () => {
  it('is that of a session of logind which a person is at', () => {
    const text = (change: Record<string, string>): string =>
      Object.entries({
        Id: '2',
        User: '1000',
        Display: ':0',
        Leader: '812',
        Remote: 'no',
        Type: 'x11',
        Class: 'user',
        Active: 'yes',
        ...change,
      })
        .map(([name, value]) => `${name}=${value}`)
        .join('\n')
    expect(readSession(text({}))).toEqual({ uid: 1000, display: ':0' })
    expect(readSession(text({ Type: 'wayland', Display: '' }))).toMatchObject({ uid: 1000, display: '' })
    for (const change of [{ Class: 'greeter' }, { Type: 'tty' }, { Active: 'no' }, { Remote: 'yes' }])
      expect(readSession(text(change))).toBeUndefined()
  })

  it('is found by processes without logind, with nothing carried along but what a window needs', async () => {
    const root = mkdtempSync(join(tmpdir(), 'vigia-desktop-'))
    try {
      for (const folder of ['proc/17', 'proc/18', 'tmp/.X11-unix', 'etc'])
        mkdirSync(join(root, folder), { recursive: true })
      writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
      const environ = (display: string): string =>
        ['LD_PRELOAD=/evil.so', `DISPLAY=${display}`, 'XAUTHORITY=/run/auth', 'PATH=/evil', ''].join('\0')
      writeFileSync(join(root, 'proc/17/environ'), environ(':5'))
      writeFileSync(join(root, 'proc/18/environ'), environ('elsewhere:0'))
      expect(await findDesktop(root, {})).toBeUndefined()
      writeFileSync(join(root, 'tmp/.X11-unix/X5'), '')
      expect(await findDesktop(root, {})).toMatchObject({ env: { DISPLAY: ':5', XAUTHORITY: '/run/auth' } })
      expect(Object.keys((await findDesktop(root, {}))!.env)).toEqual(['DISPLAY', 'XAUTHORITY'])
      // An empty name is none: nothing is at the folder itself.
      const emptied = { WAYLAND_DISPLAY: '', XDG_RUNTIME_DIR: join(root, 'tmp') }
      expect(await findDesktop(root, emptied)).toMatchObject({ env: { DISPLAY: ':5' } })
      const both = await findDesktop(root, { ...emptied, DISPLAY: ':5' })
      expect(both?.env).not.toHaveProperty('WAYLAND_DISPLAY')
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
})

// Of systems that cannot be had here: how the programs are called and their answers read, as their makers document them.
describe('on other systems', () => {
  const end = (stdout: string, code = 0, stderr = ''): { stdout: string; code: number; stderr: string } => ({
    stdout,
    code,
    stderr,
  })

  it('Windows: texts go by the environment, and the answers of the message box are read', async () => {
    const [asked] = await windowsWay(ASKED)
    const script = Buffer.from(asked!.args.at(-1)!, 'base64').toString('utf16le')
    expect(script).not.toContain('printer')
    expect(asked!.env['VIGIA_TEXT']).toContain('printer')
    expect(asked!.env).toMatchObject({
      VIGIA_STYLE: String(0x5_0124),
      VIGIA_TIMEOUT: '60',
      VIGIA_STANDS: '0',
    })
    expect(asked!.answer(end('answer 6\r\n'))).toBe('yes')
    for (const answer of ['7', '32000', '1', '66'])
      expect(asked!.answer(end(`answer ${answer}\r\n`))).toBe('no')
    for (const said of ['nobody\r\n', 'showing\r\nfailed\r\n'])
      expect(asked!.answer(end(said))).toBe('unseen')
    // It may not call Windows, or is none: nobody has seen anything. One that has shown the box and is ended was seen.
    for (const code of [0, 1]) expect(asked!.answer(end('', code, 'not allowed'))).toBe('unseen')
    expect(asked!.answer(end('showing\r\n', 1))).toBe('failed')
    expect(asked!.answer(end('showing\r\nanswer 6\r\n'))).toBe('yes')
    const [notice] = await windowsWay({ ...ASKED, what: 'notice' })
    expect(notice!.answer(end('answer 1\r\n'))).toBe('no')
  })

  it('macOS: texts are arguments, and the answers of the dialog are read', () => {
    const asked = showingFor(501, ASKED, 'en-GB')
    const script = asked.args.filter((_, index) => asked.args[index - 1] === '-e').join('\n')
    expect(script).not.toContain('printer')
    expect(asked.args.slice(0, 5)).toEqual(['asuser', '501', '/usr/bin/sudo', '-u', '#501'])
    expect(asked.args.slice(-4)).toEqual(['Vigía: remote help', 'Refuse', 'Allow', '60'])
    expect(asked.answer(end('yes\n'))).toBe('yes')
    expect(asked.answer(end('no\n'))).toBe('no')
    expect(asked.answer(end('time over\n'))).toBe('no')
    expect(asked.answer(end('', 1, 'execution error: User canceled. (-128)'))).toBe('no')
    expect(asked.answer(end('', 1, 'execution error: No user interaction allowed. (-1713)'))).toBe('unseen')
  })
})

it('nobody answers where nobody is', async () => {
  expect(await createConsent(async () => []).ask({ ...REQUEST, timeoutMs: 1000 })).toBe('nobody')
  const missing = { file: '/no/such/program', args: [], env: {}, answer: () => 'yes' as const }
  const consent = createConsent(async () => [missing])
  expect(await consent.ask({ ...REQUEST, timeoutMs: 1000 })).toBe('nobody')
  const ended = async (required: boolean): Promise<unknown> => {
    const notice = consent.show({ ...REQUEST, required })
    const first = await Promise.race([
      notice.ended,
      new Promise((resolve) => setTimeout(resolve, 200, 'open')),
    ])
    notice.close()
    return first
  }
  // Who was asked must see who is connected; on a server nobody would see it anyway.
  expect(await ended(true)).toBe('notice-lost')
  expect(await ended(false)).toBe('open')
})

describe('a notice that is shown by a program which dies', () => {
  /** A desktop whose programs live so long, one after the other; none: nobody is there. */
  const consentOf = (...lives: (number | 'nobody')[]): { consent: Consent; shown: () => number } => {
    let shown = 0
    const consent = createConsent(
      async () => {
        const life = lives[Math.min(shown, lives.length - 1)]!
        shown += 1
        if (life === 'nobody') return []
        const script = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${String(life)})`
        const answer = (): 'failed' | 'unseen' => (life === 0 ? 'unseen' : 'failed')
        return [{ file: process.execPath, args: ['-e', script], env: {}, answer }]
      },
      { stoodMs: 100, againMs: 20 },
    )
    return { consent, shown: () => shown }
  }

  it('is lost when none stands any more, also where nobody had to be asked', async () => {
    for (const required of [true, false]) {
      const { consent, shown } = consentOf(400, 400, 0)
      expect(await consent.show({ ...REQUEST, required }).ended).toBe('notice-lost')
      expect(shown()).toBe(3)
    }
  })

  it('is lost when the person has gone, where they had to be asked', async () => {
    const { consent } = consentOf(400, 'nobody')
    expect(await consent.show({ ...REQUEST, required: true }).ended).toBe('notice-lost')
  })

  it('waits for somebody to come, where nobody had to be asked', async () => {
    const { consent, shown } = consentOf('nobody', 'nobody', 0, 'nobody', 5000)
    const notice = consent.show({ ...REQUEST, required: false })
    await eventually('somebody is there', 10_000, async () => shown() === 5)
    notice.close()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(shown()).toBe(5)
  })
})

suiteNeeding(['Xvfb', 'xdotool', 'xmessage', 'xterm', 'zenity'], 'the person at a real display', () => {
  let display: Display
  beforeAll(async () => {
    display = await startDisplay()
  })
  afterAll(() => display.close())

  const consentWith = (program: string, on = display): ReturnType<typeof createConsent> => {
    const desktop: Desktop = {
      uid: process.getuid!(),
      gid: process.getgid!(),
      home: '/tmp',
      env: { DISPLAY: on.name, LANG: 'C.UTF-8' },
    }
    return createConsent(
      async (shown) =>
        showingsOn(desktop, shown, (name) =>
          name === program || name === 'setpriv' ? `/usr/bin/${name}` : undefined,
        ),
      { stoodMs: 100, againMs: 1000 },
    )
  }
  /** Presses at so many pixels from the left, or below zero from the right, and so many from below. */
  const pressIn = (window: string, x: number, below: number): void => {
    const place = display.xdotool('getwindowgeometry', '--shell', window)
    const [, width = 0, height = 0] = /WIDTH=(\d+)\nHEIGHT=(\d+)/.exec(place)!.map(Number)
    display.click(window, x < 0 ? width + x : x, height - below)
  }
  /** The window's programs, with what they were started with. */
  const processesOf = (program: string): { pid: number; said: string }[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => {
        try {
          return { pid: Number(name), said: readFileSync(`/proc/${name}/cmdline`, 'utf8') }
        } catch {
          return { pid: 0, said: '' }
        }
      })
      .filter(({ said }) => said.startsWith(`/usr/bin/${program}\0`) && said.includes('042137'))
  const saidBy = (program: string): string =>
    processesOf(program)
      .map(({ said }) => said)
      .join('\n')

  it.each(['zenity', 'xmessage'])(
    'says yes and no, and ends the session, with %s',
    { timeout: 60_000 },
    async (program) => {
      expect(programPath(program as 'zenity')).toBeDefined()
      const consent = consentWith(program)
      // Where the buttons are: zenity has them at the right, xmessage at the left.
      const answer = async (yes: boolean): Promise<string> => {
        const answered = consent.ask({ ...REQUEST, timeoutMs: 30_000 })
        const window = await display.window('remote help')
        expect(saidBy(program)).toContain('Ana López asks for permission')
        pressIn(
          window,
          program === 'zenity' ? (yes ? -50 : -142) : yes ? 90 : 30,
          program === 'zenity' ? 24 : 16,
        )
        const said = await answered
        await eventually('the window to go', 5000, async () => !display.shows('remote help'))
        return said
      }
      expect(await answer(true)).toBe('yes')
      expect(await answer(false)).toBe('no')

      const notice = consent.show({ ...REQUEST, required: true })
      const window = await display.window('remote help')
      await eventually('the notice', 5000, async () => saidBy(program).includes('is connected'))
      pressIn(window, program === 'zenity' ? -60 : 40, program === 'zenity' ? 24 : 17)
      expect(await notice.ended).toBe('closed-by-person')
    },
  )

  it('refuses after the time, and takes its window away', { timeout: 30_000 }, async () => {
    const answered = consentWith('zenity').ask({ ...REQUEST, timeoutMs: 1500 })
    await display.window('remote help')
    expect(await answered).toBe('no')
    await eventually('the window to go', 5000, async () => !display.shows('remote help'))
  })

  it('takes the notice away when the session ends elsewhere', { timeout: 30_000 }, async () => {
    const notice = consentWith('zenity').show({ ...REQUEST, required: true })
    await display.window('remote help')
    notice.close()
    await eventually('the window to go', 5000, async () => !display.shows('remote help'))
  })

  it('shows the notice again when its program dies, which is no word of the person', async () => {
    const notice = consentWith('zenity').show({ ...REQUEST, required: true })
    await display.window('remote help')
    const [first] = await eventually('the notice', 5000, async () => {
      const found = processesOf('zenity')
      return found.length > 0 && found
    })
    process.kill(first!.pid, 'SIGKILL')
    const second = await eventually('another notice', 10_000, async () =>
      processesOf('zenity').find(({ pid }) => pid !== first!.pid),
    )
    pressIn(await display.window('remote help', second.pid), -60, 24)
    expect(await notice.ended).toBe('closed-by-person')
  })

  it.each(['zenity', 'xmessage'])(
    'is lost, and not closed by the person, when the display goes away under %s',
    async (program) => {
      const other = await startDisplay()
      try {
        const notice = consentWith(program, other).show({ ...REQUEST, required: true })
        await other.window('remote help')
        await other.close()
        expect(await notice.ended).toBe('notice-lost')
      } finally {
        await other.close()
      }
    },
  )

  it('is found by no agent of another test, and by none that looks for the desktop of who runs the tests', async () => {
    const other = await startDisplay()
    try {
      other.run('xterm', ['-title', 'the window of another test'])
      await other.window('the window of another test')
      expect((await findDesktop())?.env['DISPLAY']).toBeUndefined()
      expect(await createConsent().ask({ ...REQUEST, timeoutMs: 5000 })).toBe('nobody')
    } finally {
      await other.close()
    }
  })

  it('is nobody when the display is none', async () => {
    const consent = createConsent(async (shown) =>
      showingsOn({ uid: 0, gid: 0, home: '/', env: { DISPLAY: ':9999' } }, shown, (name) =>
        name === 'zenity' || name === 'xmessage' ? `/usr/bin/${name}` : undefined,
      ),
    )
    expect(await consent.ask({ ...REQUEST, timeoutMs: 10_000 })).toBe('nobody')
  })
})
