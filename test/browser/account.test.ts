import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret, TOTP } from 'otpauth'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createInstallation, type Installation } from '../support/installation.ts'
import { suiteNeeding } from '../support/servers.ts'
import { axeFindings, openBrowser, openPage, pixelsTooWide } from './console.ts'

const PASSWORD = 'a sentence that is easy to keep'
const STEP_MS = 30_000

suiteNeeding(['chromium'], 'the account page on a real server', () => {
  vi.setConfig({ testTimeout: 60_000 })

  let vigia: Installation
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let complaints: string[]
  let secret = ''
  let recoveryCodes: string[] = []

  beforeAll(async () => {
    vigia = await createInstallation()
    await vigia.start()
    browser = await openBrowser()
    ;({ page, context, complaints } = await openPage(browser))
  }, 120_000)
  afterAll(async () => {
    await context?.close()
    await browser?.close()
    await vigia?.remove()
  }, 90_000)

  /** What an authenticator shows `steps` from now. */
  const code = (steps = 0): string =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * STEP_MS })
  const signIn = async (name: string): Promise<void> => {
    await page.goto(`${vigia.url}/sign-in`)
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  }
  const looked = async (name: string): Promise<void> => {
    expect(await axeFindings(page)).toEqual([])
    expect(await pixelsTooWide(page)).toBe(0)
    const folder = process.env['VIGIA_PICTURES']
    if (folder === undefined) return
    for (const scheme of ['light', 'dark'] as const)
      for (const width of [1280, 390]) {
        await page.emulateMedia({ colorScheme: scheme })
        await page.setViewportSize({ width, height: 800 })
        await page.screenshot({ path: join(folder, `${name}-${scheme}-${width}.png`) })
        expect(await axeFindings(page)).toEqual([])
        expect(await pixelsTooWide(page)).toBe(0)
      }
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 1280, height: 800 })
  }

  it('sets up a second factor, shows its recovery codes once and counts for 15 minutes', async () => {
    const link = /http:\S+\/setup#token=\S+/.exec(vigia.output())?.[0]
    await page.goto(link ?? '')
    await page.getByLabel('Name').fill('ana')
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    await page.getByRole('link', { name: 'Your account: ana' }).click()
    await page.getByText('Not set up').waitFor()
    await looked('1-none')
    await page.getByRole('button', { name: 'Set up a second factor' }).click()
    await page.getByLabel('Password').first().fill('not this one')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('This is not your password.').waitFor()
    await looked('2-password')
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Next' }).click()
    const picture = page.getByRole('img', { name: /^QR code/ })
    await picture.waitFor()
    secret = (await page.locator('.factor-secret code').innerText()).replaceAll(' ', '')
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    await looked('3-scan')
    const field = page.getByRole('textbox', { name: 'Code' })
    await field.fill(code() === '000000' ? '000001' : '000000')
    await page.getByRole('button', { name: 'Turn it on' }).click()
    await page.getByRole('alert').getByText('SECOND_FACTOR_INVALID').waitFor()
    await field.fill(code())
    await page.getByRole('button', { name: 'Turn it on' }).click()
    const list = page.getByRole('list', { name: 'Recovery codes' })
    await list.waitFor()
    recoveryCodes = await list.getByRole('listitem').allInnerTexts()
    expect(recoveryCodes).toHaveLength(10)
    await looked('4-codes')
    await page.emulateMedia({ media: 'print' })
    await page.locator('.print-only').getByText(recoveryCodes[9]!).waitFor()
    expect(await page.locator('.frame').isVisible()).toBe(false)
    await page.emulateMedia({ media: 'screen' })
    await page.getByRole('button', { name: 'I have kept them in a safe place' }).click()
    await page.getByText('Set up', { exact: true }).waitFor()
    await page.getByText('Confirmed, 15 min more').waitFor()
    await page.getByText('Confirmed, 15 min', { exact: true }).filter({ visible: true }).waitFor()
    await page.getByText('10 left').waitFor()
    expect(await page.content()).not.toContain(recoveryCodes[0]!)
    await looked('5-set')
  })

  it('asks for it where it is needed, takes a code and goes on', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await signIn('ana')
    await page.getByRole('link', { name: 'Your account: ana' }).click()
    await page.getByText('Not confirmed in this session').waitFor()
    await page.getByRole('button', { name: 'Replace it' }).click()
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Next' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await dialog.waitFor()
    await looked('6-proof')
    // Who cancels is told why nothing was done.
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('alert').getByText('SECOND_FACTOR_REQUIRED').waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await dialog.getByLabel('Code from your authenticator').fill('000000')
    await page.keyboard.press('Enter')
    await dialog.getByRole('alert').getByText('SECOND_FACTOR_INVALID').waitFor()
    await looked('7-proof-wrong')
    // The step of the set-up has counted; the next does not have to be waited for.
    await dialog.getByLabel('Code from your authenticator').fill(code(1))
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('img', { name: /^QR code/ }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    // What was begun and not confirmed leaves the factor as it was.
    await page.getByText('Confirmed, 15 min more').waitFor()
  })

  it('takes a recovery code, and by the command line the factor is gone with every session', async () => {
    await context.clearCookies()
    await signIn('ana')
    await page.getByRole('link', { name: 'Your account: ana' }).click()
    await page.getByRole('button', { name: 'Replace it' }).click()
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Next' }).click()
    const field = page.getByRole('dialog').getByLabel('Code from your authenticator')
    await field.fill(recoveryCodes[0]!)
    await page.keyboard.press('Enter')
    await page.getByRole('img', { name: /^QR code/ }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('9 left').waitFor()
    expect(vigia.vigia('user', 'list').stdout).toMatch(/ana +owner +\S+ \S+ +yes +all clients/)
    const run = vigia.vigia('user', 'second-factor-reset', 'ana')
    expect(run.stderr).toBe('')
    expect(run.code).toBe(0)
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(vigia.vigia('user', 'list').stdout).toMatch(/ana +owner +\S+ \S+ +no +all clients/)
  })

  it('leads a person without a factor through setting one up, and then goes on', async () => {
    const file = join(vigia.dataDir, 'password')
    writeFileSync(file, PASSWORD)
    expect(
      vigia.vigia('client-add', 'acme', '--name', 'Acme').stderr +
        vigia.vigia('client-add', 'beta', '--name', 'Beta').stderr,
    ).toBe('')
    const added = vigia.vigia('user', 'add', 'caro', '--client', 'acme', 'beta', '--password-file', file)
    expect(added.stderr).toBe('')
    await signIn('caro')
    await page.getByRole('link', { name: 'Your account: caro' }).click()
    await page.getByText('acme, beta').waitFor()
    // An action that runs code, as other pages have them: refused once, then done.
    let asked = 0
    await page.route('**/api/me/second-factor', (route) =>
      ++asked === 1
        ? route.fulfill({
            status: 403,
            json: { code: 'SECOND_FACTOR_REQUIRED', message: 'first', next: '', faults: [] },
          })
        : route.continue(),
    )
    await page.getByRole('button', { name: 'Set up a second factor' }).click()
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Next' }).click()
    const dialog = page.getByRole('dialog', { name: 'First, a second factor' })
    await dialog.getByLabel('Password').first().fill(PASSWORD)
    await looked('8-dialog-password')
    await dialog.getByRole('button', { name: 'Next' }).click()
    secret = (await dialog.locator('.factor-secret code').innerText()).replaceAll(' ', '')
    await looked('9-dialog-scan')
    await dialog.getByRole('textbox', { name: 'Code' }).fill(code())
    await page.keyboard.press('Enter')
    await dialog.getByRole('list', { name: 'Recovery codes' }).waitFor()
    await looked('10-dialog-codes')
    // They are shown only once: no key takes them away.
    await page.keyboard.press('Escape')
    expect(await dialog.isVisible()).toBe(true)
    await dialog.getByRole('button', { name: 'I have kept them in a safe place' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('img', { name: /^QR code/ }).waitFor()
    expect(asked).toBe(3)
    // For whom one runs code is changed at once, in the session that is open.
    expect(vigia.vigia('user', 'clients', 'caro', 'acme').stdout).toContain('caro may run code for acme.')
    await page.reload()
    await expect.poll(() => page.locator('dd', { hasText: 'acme' }).innerText()).not.toContain('beta')
    expect(vigia.vigia('user', 'clients', 'caro').stderr).toMatch(/^USAGE/)
    expect(vigia.vigia('user', 'clients', 'caro', '--all').code).toBe(0)
  })

  it('has complained of nothing but what was refused', () => {
    const refusals = /the server responded with a status of (400|401|403)/
    expect(complaints.filter((text) => !refusals.test(text))).toEqual([])
  })
})
