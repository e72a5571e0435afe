import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret, TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Installation } from '../support/installation.ts'
import { suiteNeeding } from '../support/servers.ts'
import { axeFindings, pixelsTooWide, showAs } from './console.ts'
import { openSite, PASSWORD, type Site } from './site.ts'

const STEP_MS = 30_000

suiteNeeding(['chromium'], 'the account page on a real server', () => {
  vi.setConfig({ testTimeout: 90_000 })

  let vigia: Installation
  let site: Site
  let page: Page
  let complaints: string[]
  let secret = ''
  let recoveryCodes: string[] = []

  beforeAll(async () => {
    site = await openSite()
    ;({ vigia, page, complaints } = site)
  }, 120_000)
  afterAll(() => site?.close(), 90_000)

  /** What an authenticator shows `steps` from now. */
  const code = (steps = 0): string =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * STEP_MS })
  const signIn = async (name: string, url = vigia.url): Promise<void> => {
    await page.goto(`${url}/sign-in`)
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
  }
  /** Nothing for axe and nothing too wide, on a light desk and on a dark telephone. */
  const looked = async (): Promise<void> => {
    expect(await axeFindings(page)).toEqual([])
    await showAs(page, 'dark', 390)
    expect(await axeFindings(page)).toEqual([])
    expect(await pixelsTooWide(page)).toBe(0)
    await showAs(page, 'light', 1280)
  }

  const picture = async (name: string): Promise<void> => {
    const folder = process.env['VIGIA_PICTURES']
    if (folder === undefined) return
    await page.screenshot({ path: join(folder, `${name}.png`) })
    await showAs(page, 'dark', 390)
    await page.screenshot({ path: join(folder, `${name}-narrow.png`) })
    await showAs(page, 'light', 1280)
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
    await looked()
    await page.getByRole('button', { name: 'Set up a second factor' }).click()
    await page.getByLabel('Password').first().fill('not this one')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('This is not your password.').waitFor()
    await looked()
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Next' }).click()
    const picture = page.getByRole('img', { name: /^QR code/ })
    await picture.waitFor()
    secret = (await page.locator('.factor-secret code').innerText()).replaceAll(' ', '')
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    await looked()
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
    await looked()
    await page.emulateMedia({ media: 'print' })
    await page.locator('.print-only').getByText(recoveryCodes[9]!).waitFor()
    expect(await page.locator('.frame').isVisible()).toBe(false)
    await page.emulateMedia({ media: 'screen' })
    await page.getByRole('button', { name: 'I have kept them in a safe place' }).click()
    await page.getByText('Set up', { exact: true }).waitFor()
    await page.getByText('Confirmed, 15 min more').waitFor()
    await page.getByText('Confirmed, 15 min', { exact: true }).filter({ visible: true }).waitFor()
    await page.getByText('10 left').waitFor()
    await page.getByText('No passkey can be made here: it belongs to a name').waitFor()
    expect(await page.content()).not.toContain(recoveryCodes[0]!)
    await looked()
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
    await looked()
    // Who cancels is told why nothing was done.
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('alert').getByText('SECOND_FACTOR_REQUIRED').waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await dialog.getByLabel('Code from your authenticator').fill('000000')
    await page.keyboard.press('Enter')
    await dialog.getByRole('alert').getByText('SECOND_FACTOR_INVALID').waitFor()
    await looked()
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
    await page.context().clearCookies()
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
      route.request().method() === 'POST' && ++asked === 1
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
    await looked()
    await dialog.getByRole('button', { name: 'Next' }).click()
    secret = (await dialog.locator('.factor-secret code').innerText()).replaceAll(' ', '')
    await looked()
    await dialog.getByRole('textbox', { name: 'Code' }).fill(code())
    await page.keyboard.press('Enter')
    await dialog.getByRole('list', { name: 'Recovery codes' }).waitFor()
    await looked()
    // They are shown only once: no key takes them away.
    await page.keyboard.press('Escape')
    expect(await dialog.isVisible()).toBe(true)
    await dialog.getByRole('button', { name: 'I have kept them in a safe place' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('img', { name: /^QR code/ }).waitFor()
    expect(asked).toBe(3)
    // For whom one runs code is changed at once, in the session that is open.
    expect(vigia.vigia('user', 'clients', 'caro', 'acme').stdout).toContain('caro sees and works for acme.')
    await page.reload()
    await expect.poll(() => page.locator('dd', { hasText: 'acme' }).innerText()).not.toContain('beta')
    expect(vigia.vigia('user', 'clients', 'caro').stderr).toMatch(/^USAGE/)
    expect(vigia.vigia('user', 'clients', 'caro', '--all').code).toBe(0)
  })

  it('takes a passkey where the console is called by a name', async () => {
    const file = join(vigia.dataDir, 'password')
    expect(vigia.vigia('user', 'add', 'luis', '--password-file', file).stderr).toBe('')
    const client = await page.context().newCDPSession(page)
    await client.send('WebAuthn.enable')
    await client.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'usb', automaticPresenceSimulation: true },
    })
    const named = vigia.url.replace('127.0.0.1', 'localhost')
    await signIn('luis', named)
    await page.getByRole('link', { name: 'Your account: luis' }).click()
    await page.getByRole('button', { name: 'Set up a second factor' }).click()
    await page.getByText('Passkey', { exact: true }).click()
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByLabel('Name of the passkey').fill('Blue key')
    await looked()
    await page.getByRole('button', { name: 'Create the passkey' }).click()
    const list = page.getByRole('list', { name: 'Recovery codes' })
    await list.waitFor()
    await page.getByRole('button', { name: 'I have kept them in a safe place' }).click()
    await page.getByText('Confirmed, 15 min more').waitFor()
    await page.getByText('for localhost, added').waitFor()
    await looked()
    await page.getByRole('button', { name: 'Remove: Blue key' }).click()
    await page.getByRole('alert').getByText('it is your only second factor').waitFor()

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await signIn('luis', named)
    await page.getByRole('link', { name: 'Your account: luis' }).click()
    await page.getByText('Not confirmed in this session').waitFor()
    await page.getByRole('button', { name: 'Set it up' }).click()
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Next' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await dialog.getByRole('textbox', { name: 'Recovery code' }).waitFor()
    await looked()
    await dialog.getByRole('button', { name: 'Use a passkey' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('img', { name: /^QR code/ }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    // The key knows that it is added already.
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.getByRole('button', { name: 'Create the passkey' }).click()
    await page.getByRole('alert').getByText('This passkey is added already.').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText(/, used/).waitFor()
  })

  it('shows an owner the people, and removes one after the second factor', async () => {
    expect(vigia.vigia('keys', 'create', 'caro').code).toBe(0)
    const shown = vigia.vigia('keys', 'show', 'caro', '--json').stdout
    const { publicKey } = JSON.parse(shown) as { publicKey: string }
    expect(vigia.vigia('trust', 'add-technician', publicKey, '--name', 'caro', '--yes').code).toBe(0)
    await page.context().clearCookies()
    await signIn('ana')
    await page.getByRole('link', { name: 'Your account: ana' }).click()
    await page.getByRole('link', { name: 'People' }).click()
    await page.getByRole('row', { name: /caro Technician All clients/ }).waitFor()
    expect(await page.getByRole('button', { name: 'Remove: ana' }).count()).toBe(0)
    await looked()
    await page.getByRole('button', { name: 'Remove: caro' }).click()
    const question = page.getByRole('dialog', { name: 'Remove caro?' })
    await question.getByText('Nobody else is given their name.').waitFor()
    await looked()
    await picture('people-remove')
    await question.getByRole('button', { name: 'Remove caro' }).click()
    const dialog = page.getByRole('dialog', { name: 'First, a second factor' })
    await dialog.getByLabel('Password').first().fill(PASSWORD)
    await dialog.getByRole('button', { name: 'Next' }).click()
    secret = (await dialog.locator('.factor-secret code').innerText()).replaceAll(' ', '')
    await dialog.getByRole('textbox', { name: 'Code' }).fill(code())
    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: 'I have kept them in a safe place' }).click()
    await question.waitFor({ state: 'detached' })
    await page.getByText('caro is removed.').waitFor()
    await page.getByText(/^vigia trust draft --remove-technician [0-9a-f]{8} --out next.json$/).waitFor()
    await page.getByRole('region', { name: 'Removed' }).getByText('caro').waitFor()
    await looked()
    await picture('people')
    expect(vigia.vigia('user', 'list', '--removed').stdout).toMatch(/caro +technician +\S+ \S+ +ana/)
    expect(vigia.vigia('user', 'add', 'Caro').stderr).toMatch(/^NAME_OF_FORMER/)
    const last = vigia.vigia('user', 'remove', 'ana')
    expect([last.code, last.stderr]).toEqual([5, expect.stringMatching(/^LAST_OWNER: ana is the last owner/)])
    expect(vigia.vigia('user', 'remove', 'luis').stdout).toContain('luis is removed: signed out everywhere')
  })

  it('has complained of nothing but what was refused', () => {
    const refusals = /the server responded with a status of (400|401|403|409)/
    expect(complaints.filter((text) => !refusals.test(text))).toEqual([])
  })
})
