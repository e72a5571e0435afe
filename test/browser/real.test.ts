import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Secret, TOTP } from 'otpauth'
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Installation } from '../support/installation.ts'
import { suiteNeeding } from '../support/servers.ts'
import { ROOT } from '../support/sources.ts'
import { axeFindings, settled } from './console.ts'
import { openSite, PASSWORD, post, type Site } from './site.ts'

const isRoot = process.getuid?.() === 0

suiteNeeding(['chromium'], 'the console on a real server with a real agent', () => {
  let vigia: Installation
  let site: Site
  let page: Page
  let complaints: string[]

  beforeAll(async () => {
    site = await openSite()
    ;({ vigia, page, complaints } = site)
  }, 120_000)
  afterAll(async () => {
    // The disk that could not be mended stays until somebody takes it away.
    if (isRoot) await lab('clean')
    await site?.close()
  }, 90_000)

  /** Makes a fault while the page is open; a lab that fails says why. */
  const lab = (...args: string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(
        process.execPath,
        [join(ROOT, 'bin/vigia.js'), 'lab', ...args, '--server', vigia.url],
        { env: vigia.env, stdio: ['ignore', 'pipe', 'pipe'] },
      )
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
      child.once('exit', (code) =>
        code === 0
          ? resolve()
          : reject(new Error(`vigia lab ${args.join(' ')} ended with ${code}:\n${text}\n${vigia.output()}`)),
      )
    })

  it('goes from the one-time link to this machine with live values', { timeout: 60_000 }, async () => {
    const link = /http:\S+\/setup#token=\S+/.exec(vigia.output())?.[0]
    await page.goto(link ?? '')
    await page.getByLabel('Name').fill('ana')
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    const row = page.locator('tbody tr[data-row]')
    await row.waitFor({ timeout: 20_000 })
    await expect.poll(() => row.innerText(), { timeout: 20_000 }).toMatch(/Online[\s\S]*\d+(\.\d)?%/)
    await row.getByRole('link').click()
    await page.getByRole('group', { name: 'Time range' }).or(page.getByRole('radiogroup')).first().waitFor()
    await page.locator('figure canvas').first().waitFor({ timeout: 20_000 })
    await page.getByRole('row', { name: 'Memory in use' }).waitFor()
    expect(await axeFindings(page)).toEqual([])
  })

  it(
    'shows the path of a crashed service as it happens, to its line in the ledger',
    { timeout: 120_000 },
    async () => {
      await page.getByRole('link', { name: 'Incidents', exact: true }).click()
      await settled(page)
      const fault = lab('service-crash')
      const incident = page.locator('.incidents > li', { hasText: 'vigia-lab' }).first()
      // Nothing is clicked and nothing reloaded: it comes by itself, and so does its end.
      await Promise.race([incident.waitFor({ timeout: 90_000 }), fault.then(() => incident.waitFor())])
      await incident.getByRole('link').click()
      await page.getByText('Mended by the remedy').waitFor({ timeout: 60_000 })
      await page.getByText('Verified: the rule recovered after the remedy').waitFor()
      await page.getByText(/restart-service, version \d/).waitFor()
      await page.getByText(/vigia rules backtest --incident [0-9a-f-]{36}/).waitFor()
      expect(await axeFindings(page)).toEqual([])
      await fault
      // From the incident to its rule, and on to the device where the rule is being evaluated.
      await page.getByRole('link', { name: 'service-down' }).click()
      const row = page.locator('.coverage-rows > li', { hasText: 'Evaluated' })
      await row.first().waitFor({ timeout: 20_000 })
      await row.first().getByRole('link').click()
      const rule = page.locator('.device-rules > li', { hasText: 'Service' }).first()
      await rule.locator('summary').click()
      await rule.getByText(/It applies because/).waitFor()
      await rule.getByRole('row', { name: /severity/ }).waitFor()
      await page.getByRole('link', { name: 'Ledger' }).click()
      const entry = page.getByRole('row', { name: /restart-service/ })
      await entry.waitFor()
      expect(await entry.innerText()).toContain('no → yes')
    },
  )

  it.runIf(isRoot)(
    'shows the ticket of what could not be mended, and a person starts on it',
    { timeout: 120_000 },
    async () => {
      await page.getByRole('link', { name: 'Tickets' }).click()
      const fault = lab('disk-fill', '--unfixable')
      const ticket = page.locator('.tickets tbody tr').first()
      await Promise.race([ticket.waitFor({ timeout: 90_000 }), fault.then(() => ticket.waitFor())])
      await ticket.getByRole('link').click()
      await page.getByRole('heading', { name: 'What was tried' }).waitFor()
      await page.getByText('clear-temp').first().waitFor()
      await page.locator('figure canvas').first().waitFor()
      await page.getByRole('button', { name: 'Start' }).click()
      await page.getByRole('button', { name: 'Resolve', disabled: false }).waitFor()
      expect(await axeFindings(page)).toEqual([])
      await fault
    },
  )

  it(
    'shows a fault of a pack in its line, and puts the mended pack in force',
    { timeout: 180_000 },
    async () => {
      // Rules order remedies: putting them in force takes the second factor, shown within 15 minutes.
      const { secret } = await post(page, '/api/me/second-factor', { password: PASSWORD })
      const totp = new TOTP({ secret: Secret.fromBase32(String(secret)) })
      await post(page, '/api/me/second-factor/confirm', { code: totp.generate() })
      await page.getByRole('link', { name: 'Rules', exact: true }).click()
      await page.getByRole('link', { name: 'Rule packs' }).click()
      await page.getByLabel('Name of a new pack').fill('acme')
      await page.getByRole('button', { name: 'Begin a pack' }).click()
      const editor = page.getByRole('textbox', { name: 'Text of the pack acme' })
      await editor.click()
      const write = async (severity: string): Promise<void> => {
        await page.keyboard.press('ControlOrMeta+a')
        await page.keyboard.press('Delete')
        await page.keyboard.insertText(
          `pack: acme
version: 1
rules:
  - name: acme-memory
    title: { en: Acme memory, es: Memoria de Acme }
    owner: service-desk
    severity: ${severity}
    signal: { metric: memory.used_percent }
    threshold: { above: 99.9 }
    for: 1h
    runbook: Ask Acme.
    noRemedy: Acme decides.
`,
        )
      }
      await write('grave')
      await page.getByRole('button', { name: 'Line 7' }).waitFor()
      await page.locator('.cm-lintRange-error').waitFor()
      expect(await axeFindings(page)).toEqual([])
      await page.getByRole('button', { name: 'Line 7' }).click()
      await write('critical')
      await page.getByText('It would change 1 rule').waitFor()
      await page.getByRole('button', { name: 'Try it' }).click()
      await page
        .getByText(/This change would have opened \d+ incidents? instead of \d+/)
        .waitFor({ timeout: 60_000 })
      await page.getByRole('button', { name: 'Save …' }).click()
      await page.getByRole('dialog').getByLabel('Why').fill('asked for by Ana')
      // What is in force is left without a question, also while the page still reads it anew.
      const slowly = async (route: Route): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, 3000))
        await route.continue()
      }
      await page.route('**/api/rules/packs', slowly)
      await page.getByRole('button', { name: 'Put in force' }).click()
      await page.getByText('asked for by Ana').waitFor()
      await page.getByRole('link', { name: 'Rules', exact: true }).click()
      await page.getByLabel('Search rules').fill('acme-memory')
      // Waits for what is held back: an answer after its route has gone is an error of nobody.
      await page.unrouteAll({ behavior: 'wait' })
      const rule = page.getByRole('row', { name: /Acme memory/ })
      await rule.waitFor()
      expect(await rule.innerText()).toContain('Critical')
      // The next report of memory, then the next count of what is evaluated.
      await expect.poll(() => rule.innerText(), { timeout: 100_000 }).toContain('1 evaluated')
    },
  )

  it('silences a rule from the console, and the silence ends', { timeout: 40_000 }, async () => {
    await page.getByRole('link', { name: 'Noise', exact: true }).click()
    await page.getByLabel('Rule', { exact: true }).fill('acme-memory')
    await page.getByLabel('Reason').fill('a test of theirs')
    await page.getByRole('button', { name: 'Silence', exact: true }).click()
    const silence = page.locator('.rows li', { hasText: 'a test of theirs' })
    await silence.waitFor()
    expect(await axeFindings(page)).toEqual([])
    await silence.getByRole('button', { name: 'End now' }).click()
    await silence.waitFor({ state: 'detached' })
    for (const part of ['Noise budget', 'Hours and maintenance', 'What was suppressed']) {
      await page.getByRole('link', { name: part }).click()
      await settled(page)
      expect(await page.getByRole('alert').count()).toBe(0)
    }
  })

  it('opens the report of the month and says how Vigía itself is', { timeout: 60_000 }, async () => {
    await page.getByRole('link', { name: 'Health' }).click()
    await page.getByRole('cell', { name: 'Well' }).first().waitFor()
    await page.getByRole('link', { name: 'Reports' }).click()
    const [report] = await Promise.all([
      page.context().waitForEvent('page'),
      page.getByRole('link', { name: 'Open as a page' }).click(),
    ])
    await report.locator('h1').waitFor()
    expect(await report.title()).not.toBe('')
    await report.close()
  })

  it('had nothing refused by the server’s own policy', () => {
    // A session that is not there yet answers 401, which the browser tells too.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([])
  })
})
