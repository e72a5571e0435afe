import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RemoteView } from '../../contract/remote/session.ts'
import { BIN, eventually, type Installation } from '../support/installation.ts'
import { vigiaInPty } from '../support/pty.ts'
import { suiteNeeding } from '../support/servers.ts'
import { admitTechnician } from '../support/technician.ts'
import { openOwnerSite, type OwnerSite } from './site.ts'

suiteNeeding(['chromium'], 'a terminal in the console, on a real server with a real agent', () => {
  let vigia: Installation
  let page: Page
  let complaints: string[]
  let site: OwnerSite
  let device = ''

  beforeAll(async () => {
    site = await openOwnerSite()
    ;({ vigia, page, complaints } = site)
  }, 120_000)
  afterAll(() => site?.close(), 90_000)

  /** The rows of a terminal, as a reader sees them, without the spaces at their ends. */
  const rowsOf = async (place: string): Promise<string> =>
    (
      await page
        .locator(`${place} .xterm-rows > div`)
        .evaluateAll((all: { textContent: string }[]) => all.map((row) => row.textContent))
    )
      .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
  const rows = (): Promise<string> => rowsOf('.terminal-place:not([hidden])')
  const sees = (pattern: RegExp, timeout = 15_000): Promise<void> =>
    expect.poll(rows, { timeout, interval: 50 }).toMatch(pattern)
  const type = (text: string): Promise<void> => page.keyboard.type(`${text}\n`)
  /** Until the shell has the terminal again, what is typed may be lost with what it flushes. */
  const interrupt = async (): Promise<void> => {
    await page.keyboard.press('Control+C')
    await sees(/[#$]$/m, 30_000)
  }
  const picture = (name: string): Promise<void> => site.looked(`terminal-${name}`)

  it(
    'makes a key that stays in the browser, and waits until an approver has admitted it',
    { timeout: 90_000 },
    async () => {
      await page.locator('tbody tr[data-row] a').first().click()
      await page.getByRole('link', { name: 'Terminal' }).click()
      await page.getByRole('button', { name: 'Make my key' }).click()
      const command = page.locator('.copy code')
      await expect.poll(() => command.innerText()).toMatch(/^vigia trust add-technician \S{43} --name ana$/)
      await picture('1-key-waits')
      // The private half is there to sign with, and for nothing else.
      const extractable = await page.evaluate<boolean>(`new Promise((resolve) => {
      const opening = indexedDB.open('vigia-technician')
      opening.onsuccess = () => {
        const asked = opening.result.transaction('keys').objectStore('keys').get('own')
        asked.onsuccess = () => resolve(asked.result.privateKey.extractable)
      }
    })`)
      expect(extractable).toBe(false)
      const publicKey = / (\S{43}) /.exec(await command.innerText())?.[1] ?? ''
      device = await admitTechnician(vigia, 'ana', publicKey)
      await page.getByRole('button', { name: 'Open a terminal' }).waitFor({ timeout: 15_000 })
      await picture('2-admitted')
    },
  )

  it(
    'runs what is typed and shows it, in every script, under the page policy that forbids styles in the page',
    { timeout: 60_000 },
    async () => {
      await page.getByLabel('Why').fill('the printer of the second floor')
      await page.getByRole('button', { name: 'Open a terminal' }).click()
      await page.getByText('Open', { exact: true }).waitFor({ timeout: 20_000 })
      expect(await page.locator('.spoken-code').innerText()).toMatch(/^\d{3} \d{3}$/)
      await sees(/[#$]$/m)
      await type('echo $((6*7))')
      await sees(/^42\s*$/m)
      await type('echo "ñandú 🦤 Grüße 漢字"')
      await sees(/^ñandú 🦤 Grüße 漢字\s*$/m)
      await type("printf '\\033[31mred\\033[0m \\033[38;2;10;200;30mtrue\\033[0m\\n'")
      await sees(/^red true\s*$/m)
      // Colours are there although no style may stand in the page.
      const colour = (text: string): Promise<string> =>
        page.evaluate<string>(`(() => {
        const spans = [...document.querySelectorAll('.xterm-rows span')]
        return getComputedStyle(spans.findLast((span) => span.textContent.trim() === '${text}')).color
      })()`)
      expect(await colour('true')).toBe('rgb(10, 200, 30)')
      expect(await colour('red')).not.toBe(await colour('true'))
      await picture('3-open')
    },
  )

  it('answers a key quickly', async () => {
    const times: number[] = []
    await type('clear; cat > /dev/null')
    await expect.poll(rows).not.toMatch(/[#$]/)
    for (let at = 0; at < 20; at++) {
      const letter = String.fromCharCode(65 + at)
      const begun = performance.now()
      await page.keyboard.type(letter)
      while (!(await rows()).includes(letter)) await page.waitForTimeout(2)
      times.push(performance.now() - begun)
    }
    await interrupt()
    times.sort((a, b) => a - b)
    console.log(`key to echo: p50 ${Math.round(times[10]!)} ms, slowest ${Math.round(times[19]!)} ms`)
    expect(times[10]).toBeLessThan(1000)
  })

  it('follows the size of the window', async () => {
    const columns = async (): Promise<number> => {
      await type('clear; stty size')
      await sees(/^\d+ \d+\s*$/m)
      return Number(/^\d+ (\d+)\s*$/m.exec(await rows())?.[1])
    }
    const wide = await columns()
    expect(wide).toBeGreaterThan(80)
    await page.setViewportSize({ width: 900, height: 800 })
    await expect.poll(columns, { timeout: 10_000 }).toBeLessThan(wide)
    await page.setViewportSize({ width: 1280, height: 800 })
    await expect.poll(columns, { timeout: 10_000 }).toBe(wide)
  })

  it('shows a flood without losing hold of it', { timeout: 60_000 }, async () => {
    await type('clear; yes vigia')
    await sees(/^(vigia\s+){5}/m)
    await page.waitForTimeout(2000)
    await interrupt()
    await type('clear; echo still $((40+2))')
    await sees(/^still 42\s*$/m, 30_000)
  })

  it('has two sessions in tabs, each with a shell of its own', { timeout: 60_000 }, async () => {
    await type('clear; here=first')
    await page.getByRole('button', { name: 'Another terminal' }).click()
    await page.getByRole('button', { name: 'Open a terminal' }).click()
    await page.getByRole('tab', { name: 'Session 2' }).waitFor({ timeout: 20_000 })
    await sees(/[#$]$/m)
    await type('echo "[$here]"')
    await sees(/^\[\]\s*$/m)
    await picture('4-two')
    await page.getByRole('tab', { name: 'Session 1' }).click()
    await type('echo "[$here]"')
    await sees(/^\[first\]\s*$/m)
    await type('exit 3')
    await page.getByText('The shell ended with 3.').waitFor()
    await page.getByText('It was ended.').waitFor()
    await picture('5-ended')
  })

  it('ends by itself when nothing is done, as the device says', { timeout: 90_000 }, async () => {
    const policy = join(vigia.dataDir, 'agent/remote-policy.json')
    writeFileSync(policy, JSON.stringify({ idleS: 30 }))
    await page.getByRole('button', { name: 'Another terminal' }).click()
    await page.getByRole('button', { name: 'Open a terminal' }).click()
    await page.getByRole('tab', { name: 'Session 3' }).waitFor({ timeout: 20_000 })
    await page.getByText('Nothing was done for too long.').waitFor({ timeout: 45_000 })
    rmSync(policy)
  })

  it(
    'is in the list of sessions, and its recording can be replayed to any moment',
    { timeout: 60_000 },
    async () => {
      const menu = page.getByRole('navigation', { name: 'Main' })
      await menu.getByRole('link', { name: 'Remote sessions' }).click()
      await page.getByRole('heading', { name: 'Remote sessions' }).waitFor()
      await expect.poll(() => page.locator('tbody tr').count()).toBe(3)
      expect(await page.locator('tbody').innerText()).toContain('the printer of the second floor')
      await picture('6-sessions')
      // The oldest stands last.
      await page.getByRole('link', { name: 'Replay' }).last().click()
      await page.getByRole('heading', { name: 'Recording' }).waitFor()
      const slider = page.getByRole('slider', { name: 'Position' })
      await slider.waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      await slider.press('End')
      const shown = (): Promise<string> => rowsOf('.recording-screen')
      await expect.poll(shown, { timeout: 20_000 }).toMatch(/exit 3/)
      await slider.press('Home')
      await expect.poll(shown, { timeout: 20_000 }).not.toMatch(/exit 3/)
      await picture('7-replay')
      expect(complaints).toEqual([])
      const { ok } = await vigia.server.call('verifyAudit')
      expect(ok).toBe(true)
      const { sessions } = await vigia.server.call('remotes', { query: { device } })
      expect(sessions.map(({ technician, state }) => [technician, state])).toEqual(
        Array.from({ length: 3 }, () => ['ana', 'closed']),
      )
    },
  )

  it(
    'is had from the command line too, with size, UTF-8, exit code, and Enter ~ .',
    { timeout: 120_000 },
    async () => {
      const terminal = ['terminal', '--device', device, '--reason', 'from the command line']
      expect(vigia.vigia(...terminal)).toMatchObject({
        code: 4,
        stderr: expect.stringMatching(/vigia keys create/) as string,
      })
      await admitTechnician(vigia, 'cleo')
      const own = vigiaInPty(vigia, terminal)
      await own.sees(/Connected; the code that the device shows is \d{6}\./)
      own.type('stty size; echo "ñandú 🦤"\r')
      await own.sees(/^30 100\s*$/m)
      await own.sees(/^ñandú 🦤\s*$/m)
      own.resize(120, 40)
      // The size and what is typed go by different ways, and the one may pass the other.
      await eventually('the new size', 20_000, async () => {
        own.type('stty size\r')
        await sleep(300)
        return /^40 120\s*$/m.test(own.text())
      })
      const listed = JSON.parse(
        vigia.vigia('remote', 'list', '--device', device, '--json').stdout,
      ) as RemoteView[]
      expect(listed[0]).toMatchObject({ technician: 'cleo', state: 'open', reason: 'from the command line' })
      own.type('\r~.')
      expect(await own.exit).toBe(0)
      expect(own.text()).toMatch(/Ended\.\s*$/)

      const piped = spawn(process.execPath, [BIN, ...terminal, '--server', vigia.url], { env: vigia.env })
      const printed = text(piped.stdout)
      piped.stdin.end('echo $((6*7)); exit 7\n')
      expect(await once(piped, 'exit')).toEqual([7, null])
      expect(await printed).toMatch(/^42\s*$/m)

      const ended = vigiaInPty(vigia, terminal)
      await ended.sees(/Connected/)
      const { sessions } = await vigia.server.call('remotes', { query: { device, limit: 1 } })
      expect(vigia.vigia('remote', 'close', sessions[0]!.id).stdout).toContain('is closed: ended')
      expect(await ended.exit).toBe(0)
      expect(vigia.vigia('remote', 'list', '--device', hostname(), '--kind', 'terminal').stdout).toMatch(
        /terminal +cleo +closed +ended/,
      )

      writeFileSync(join(vigia.dataDir, 'agent/remote-policy.json'), JSON.stringify({ terminal: 'never' }))
      expect(vigia.vigia(...terminal)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('REMOTE_FORBIDDEN') as string,
      })
    },
  )
})
