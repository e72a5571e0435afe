import { Secret, TOTP } from 'otpauth'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { RemotePolicy } from '../../contract/remote/policy.ts'
import { createInstallation, setUpLink, type Installation } from '../support/installation.ts'
import { admitTechnician } from '../support/technician.ts'
import { axeFindings, openBrowser, openPage, pixelsTooWide, showAs } from './console.ts'

const PASSWORD = 'a sentence that is easy to keep'

/** A whole installation and a technician in a real browser, whose key is admitted, at a page of the only device. */
export type RemoteSite = {
  vigia: Installation
  page: Page
  complaints: string[]
  device: string
  /** What this device allows from now on, over the policy of its kind. */
  policy(change: Partial<RemotePolicy>): void
  /** Answers the question for the second factor; each code counts once, so it waits for one that was not shown yet. */
  prove(): Promise<void>
  /** Opens a page of the device: `files`, `screen`. */
  go(part: string): Promise<void>
  /** Looks at the page as it stands: accessible, not too wide; as pictures where VIGIA_PICTURES names a folder. */
  looked(name: string): Promise<void>
  close(): Promise<void>
}

export async function openRemoteSite(env: Record<string, string> = {}): Promise<RemoteSite> {
  const vigia = await createInstallation({ env })
  let browser: Browser | undefined
  let context: BrowserContext | undefined
  const close = async (): Promise<void> => {
    await context?.close()
    await browser?.close()
    await vigia.remove()
  }
  try {
    await vigia.start()
    browser = await openBrowser()
    const opened = await openPage(browser)
    context = opened.context
    const { page, complaints } = opened
    const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
      const answer = await page.evaluate<{ ok: boolean; text: string }>(
        `fetch(${JSON.stringify(path)}, { method: 'POST', headers: { 'content-type': 'application/json' },
           body: ${JSON.stringify(JSON.stringify(body))} }).then(async (got) => ({ ok: got.ok, text: await got.text() }))`,
      )
      if (!answer.ok) throw new Error(answer.text)
      return JSON.parse(answer.text) as Record<string, unknown>
    }
    const link = await setUpLink(vigia)
    await page.goto(link)
    await page.getByLabel('Name').fill('ana')
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    const { secret } = await post('/api/me/second-factor', { password: PASSWORD })
    const totp = new TOTP({ secret: Secret.fromBase32(String(secret)) })
    await post('/api/me/second-factor/confirm', { code: totp.generate() })
    await page.locator('tbody tr[data-row] a').first().click()
    await page.getByRole('link', { name: 'Files' }).click()
    await page.getByRole('button', { name: 'Make my key' }).click()
    const command = page.locator('.copy code')
    await command.waitFor()
    const publicKey = / (\S{43}) /.exec(await command.innerText())?.[1] ?? ''
    const device = await admitTechnician(vigia, 'ana', publicKey)
    await page.getByRole('button', { name: 'Open the files' }).waitFor({ timeout: 20_000 })
    return {
      vigia,
      page,
      complaints,
      device,
      policy: (change) =>
        writeFileSync(join(vigia.dataDir, 'agent/remote-policy.json'), JSON.stringify(change)),
      async prove() {
        const field = page.getByRole('dialog').getByRole('textbox').first()
        await field.waitFor({ timeout: 20_000 })
        // The code of set-up was used; the next step's counts already.
        await field.fill(totp.generate({ timestamp: Date.now() + 30_000 }))
        await page.keyboard.press('Enter')
        await field.waitFor({ state: 'hidden', timeout: 20_000 })
      },
      go: async (part) => void (await page.goto(`${vigia.url}/devices/${device}/${part}`)),
      async looked(name) {
        expect(await axeFindings(page)).toEqual([])
        expect(await pixelsTooWide(page)).toBe(0)
        const folder = process.env['VIGIA_PICTURES']
        if (folder === undefined) return
        for (const [width, scheme] of [
          [1280, 'light'],
          [1280, 'dark'],
          [390, 'light'],
        ] as const) {
          await showAs(page, scheme, width)
          await page.screenshot({ path: join(folder, `${name}-${scheme}-${width}.png`) })
          expect(await axeFindings(page)).toEqual([])
          expect(await pixelsTooWide(page)).toBe(0)
        }
        await showAs(page, 'light', 1280)
      },
      close,
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
}
