import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startDisplay, type Display } from '../support/display.ts'
import { eventually, sparePort } from '../support/installation.ts'
import { BUTTONS, personAt, type Person } from '../support/person.ts'
import { suiteNeeding } from '../support/servers.ts'
import { openRemoteSite, type RemoteSite } from './remote-site.ts'

suiteNeeding(
  ['chromium', 'Xvfb', 'x11vnc', 'xdotool', 'xterm', 'zenity'],
  'the screen of a device in the console, with a real display, VNC server and person',
  () => {
    vi.setConfig({ testTimeout: 90_000 })

    let display: Display
    let person: Person
    let site: RemoteSite
    let page: Page
    let folder: string
    let port: number
    let typed: string

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'vigia-browser-screen-'))
      typed = join(folder, 'typed')
      port = await sparePort()
      display = await startDisplay('800x600x24')
      person = personAt(display)
      // Every line that is typed into this window lands in a file.
      const script = join(folder, 'write.sh')
      writeFileSync(script, `while IFS= read -r line; do printf '%s\\n' "$line" >> ${typed}; done\n`)
      display.run('xterm', [
        ...['-geometry', '80x20+0+0', '-bg', '#204060', '-fg', 'white', '-title', 'window there'],
        ...['-e', 'sh', script],
      ])
      await display.window('window there')
      display.run('x11vnc', [
        ...[
          '-display',
          display.name,
          '-rfbport',
          String(port),
          '-localhost',
          '-forever',
          '-shared',
          '-quiet',
        ],
        ...['-nopw', '-noxdamage', '-nocursorshape'],
      ])
      site = await openRemoteSite(display.at)
      page = site.page
      site.policy({ screen: 'unattended', files: 'ask', vncPort: port, clipboard: 'none' })
      await site.go('screen')
      await page.getByRole('button', { name: 'Look at the screen' }).waitFor({ timeout: 60_000 })
    }, 180_000)
    afterAll(async () => {
      await site?.close()
      await display?.close()
      rmSync(folder, { recursive: true, force: true })
    }, 90_000)

    const lines = (): string => (existsSync(typed) ? readFileSync(typed, 'utf8') : '')
    /** How much of the picture has the colour of the window that is there. */
    const windowShare = (): Promise<number> =>
      page.evaluate<number>(`(() => {
        const canvas = document.querySelector('.screen-place canvas')
        if (!canvas || canvas.width === 0) return 0
        const copy = new OffscreenCanvas(canvas.width, canvas.height)
        const drawing = copy.getContext('2d', { willReadFrequently: true })
        drawing.drawImage(canvas, 0, 0)
        const { data } = drawing.getImageData(0, 0, canvas.width, canvas.height)
        let found = 0
        for (let at = 0; at < data.length; at += 4)
          if (data[at] === 0x20 && data[at + 1] === 0x40 && data[at + 2] === 0x60) found++
        return found / (data.length / 4)
      })()`)
    const seesWindow = (): Promise<void> =>
      expect.poll(windowShare, { timeout: 30_000, interval: 200 }).toBeGreaterThan(0.15)
    const open = async (button: string): Promise<void> => {
      await page.getByLabel('Why').fill('the printer of the second floor')
      await page.getByRole('button', { name: button, exact: true }).click()
    }
    const end = async (): Promise<void> => {
      await page.getByRole('button', { name: 'End', exact: true }).click()
      await page.getByText('It was ended.').waitFor()
    }
    /** Writes into the picture, as a technician does. */
    const write = async (text: string): Promise<void> => {
      display.xdotool('windowfocus', '--sync', await display.window('window there'))
      await page.locator('.screen-place canvas').click({ position: { x: 100, y: 60 } })
      await page.keyboard.type(`${text}\n`, { delay: 30 })
    }
    it('shows the window that is there, and lets nothing through while one only looks', async () => {
      await open('Look at the screen')
      await page.getByText('You look; keys and mouse do nothing').waitFor({ timeout: 30_000 })
      await seesWindow()
      await site.looked('screen-1-look')
      await write('only looking')
      await page.waitForTimeout(1500)
      expect(lines()).toBe('')
      expect(await page.getByRole('button', { name: 'Ctrl + Alt + Del' }).count()).toBe(0)
    })

    it('types into it once control was asked for, by a request of its own', async () => {
      await page.getByRole('button', { name: 'Take control' }).click()
      await page.getByText('Your keys and mouse work there').waitFor({ timeout: 30_000 })
      await seesWindow()
      await write('typed from the console')
      await expect.poll(lines, { timeout: 20_000 }).toBe('typed from the console\n')
      await site.looked('screen-2-steer')
      const { sessions } = await site.vigia.server.call('remotes', { query: { device: site.device } })
      expect(sessions.map(({ kind, control }) => [kind, control])).toEqual([
        ['screen', true],
        ['screen', false],
      ])
    })

    it('offers no clipboard where the policy has none', async () => {
      await page.getByText('Texts are not copied').waitFor()
      expect(await page.getByRole('button', { name: /Send text there|Text from there/ }).count()).toBe(0)
      await end()
    })

    it('copies texts to the device where the policy lets it', async () => {
      site.policy({ screen: 'unattended', vncPort: port, clipboard: 'to-device' })
      await open('Look and steer')
      // What is offered works at once, before anything of the picture has come.
      await page.getByRole('button', { name: 'Send text there …' }).click({ timeout: 30_000 })
      expect(await page.getByRole('button', { name: 'Text from there …' }).count()).toBe(0)
      await page.getByRole('dialog').getByRole('textbox').fill('pasted from the console')
      await page.getByRole('button', { name: 'Send', exact: true }).click()
      await seesWindow()
      // The middle button of the mouse pastes what x11vnc took for the selection.
      const window = await display.window('window there')
      await expect
        .poll(
          () => {
            display.xdotool('mousemove', '--window', window, '100', '60', 'click', '2')
            display.key('Return', window)
            return lines()
          },
          { timeout: 20_000, interval: 500 },
        )
        .toContain('pasted from the console')
      await end()
    })

    it('copies texts from the device where the policy lets it, and none to who only looks', async () => {
      site.policy({ screen: 'unattended', vncPort: port, clipboard: 'from-device' })
      await open('Look at the screen')
      await page.getByText('Texts are copied only while you steer').waitFor({ timeout: 30_000 })
      expect(await page.getByRole('button', { name: /Send text there|Text from there/ }).count()).toBe(0)
      await page.getByRole('button', { name: 'Take control' }).click()
      await page.getByRole('button', { name: 'Text from there …' }).click({ timeout: 30_000 })
      expect(await page.getByRole('button', { name: 'Send text there …' }).count()).toBe(0)
      // Three clicks select a line there.
      const window = await display.window('window there')
      display.xdotool(...['mousemove', '--window', window, '40', '10', 'click', '--repeat', '3', '1'])
      const copied = page.getByRole('dialog').getByRole('textbox')
      await expect
        .poll(() => copied.inputValue({ timeout: 1000 }).catch(() => ''), { timeout: 20_000, interval: 200 })
        .toContain('typed from the console')
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
      await end()
    })

    it('asks the person there, shows them the code that the technician sees, and takes a no', async () => {
      site.policy({ screen: 'ask', vncPort: port })
      await open('Look and steer')
      await page.getByText('The person at the machine is asked').waitFor({ timeout: 30_000 })
      const code = (await page.locator('.spoken-code').innerText()).replace(' ', '')
      await display.window('remote help')
      const asked = person.reads('--question')
      expect(asked).toContain('ana asks for permission to see the screen of this computer and use its mouse')
      expect(asked).toContain('Reason: the printer of the second floor')
      expect(asked).toContain(`Code: ${code}`)
      await site.looked('screen-3-asked')
      await person.press('--question', BUTTONS.refuse)
      await page.getByText('The person at the machine said no.').first().waitFor({ timeout: 20_000 })
      expect(await page.locator('.screen-place').count()).toBe(0)
    })

    it('opens after a yes, and the person there sees who is connected and ends it', async () => {
      await open('Look and steer')
      await page.getByText('The person at the machine is asked').waitFor({ timeout: 30_000 })
      await person.press('--question', BUTTONS.allow)
      await page.getByText('Your keys and mouse work there').waitFor({ timeout: 30_000 })
      await eventually('the notice', 10_000, async () => person.reads('--info') !== '')
      expect(person.reads('--info')).toContain('ana is connected and can see the screen of this computer')
      await display.window('remote help')
      await seesWindow()
      await site.looked('screen-4-notice')
      // A notice whose program dies is no word of the person: it stands there again, and the session goes on.
      const [first] = person.dialogs('--info')
      process.kill(first!.pid, 'SIGKILL')
      await eventually('another notice', 15_000, async () => {
        const [second] = person.dialogs('--info')
        return second !== undefined && second.pid !== first!.pid
      })
      await page.getByText('Your keys and mouse work there').waitFor()
      await person.press('--info', BUTTONS.end)
      await page.getByText('The person at the machine ended it.').waitFor({ timeout: 20_000 })
      await eventually('the notice to go', 10_000, async () => !display.shows('remote help'))
    })

    it('asks for the password of a VNC server that has one', async () => {
      const locked = await sparePort()
      display.run('x11vnc', [
        ...[
          '-display',
          display.name,
          '-rfbport',
          String(locked),
          '-localhost',
          '-forever',
          '-shared',
          '-quiet',
        ],
        ...['-passwd', 'open it', '-noxdamage', '-nocursorshape'],
      ])
      await eventually('the locked VNC server', 15_000, () => listens(locked))
      site.policy({ screen: 'unattended', vncPort: locked, clipboard: 'both' })
      const works = page.getByRole('button', { name: /Send text there|Text from there|Ctrl \+ Alt \+ Del/ })
      await open('Look and steer')
      await page.getByLabel('Password of the VNC server').first().fill('not this', { timeout: 30_000 })
      // Nothing is offered that noVNC would drop.
      expect(await works.count()).toBe(0)
      expect(await page.getByText('Your keys and mouse work there').count()).toBe(0)
      await page.keyboard.press('Enter')
      await page
        .getByText(/The VNC server refused/)
        .first()
        .waitFor({ timeout: 20_000 })
      await open('Look and steer')
      await page.getByLabel('Password of the VNC server').first().fill('open it', { timeout: 30_000 })
      await page.keyboard.press('Enter')
      await seesWindow()
      expect(await works.count()).toBe(3)
      await end()
    })

    it('says what is missing when no VNC server is there', async () => {
      site.policy({ screen: 'unattended', vncPort: await sparePort() })
      await open('Look at the screen')
      await page.getByText(/x11vnc -display :0/).waitFor({ timeout: 30_000 })
    })

    it('had nothing refused by the server’s own policy', () => {
      // A session that is not there yet answers 401; noVNC tells of the connection that could not be had.
      expect(
        site.complaints.filter((text) => !/401|REMOTE_UNAVAILABLE|password check failed/.test(text)),
      ).toEqual([])
    })

    function listens(at: number): Promise<boolean> {
      return new Promise((resolve) => {
        const socket = connect(at, '127.0.0.1')
        socket.once('connect', () => resolve(socket.end() !== undefined))
        socket.once('error', () => resolve(false))
      })
    }
  },
)
