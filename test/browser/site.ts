import { Secret, TOTP } from 'otpauth'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { createInstallation, setUpLink, type Installation } from '../support/installation.ts'
import { axeFindings, openBrowser, openPage, pixelsTooWide, showAs } from './console.ts'

export const PASSWORD = 'a sentence that is easy to keep'

/** A whole installation in a real browser, as it is before its set-up. */
export type Site = { vigia: Installation; page: Page; complaints: string[]; close(): Promise<void> }

export async function openSite(env: Record<string, string> = {}): Promise<Site> {
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
    return { vigia, page: opened.page, complaints: opened.complaints, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** One whose owner, Ana, is at the fleet; she has a second factor and has shown it. */
export type OwnerSite = Site & {
  /** Answers the question for the second factor; each code counts once, so it waits for one that was not shown yet. */
  prove(): Promise<void>
  /** Looks at the page as it stands: accessible, not too wide; as pictures where VIGIA_PICTURES names a folder. */
  looked(name: string): Promise<void>
}

export async function openOwnerSite(env: Record<string, string> = {}): Promise<OwnerSite> {
  const site = await openSite(env)
  try {
    const { vigia, page } = site
    const link = await setUpLink(vigia)
    await page.goto(link)
    await page.getByLabel('Name').fill('ana')
    await page.getByLabel('Password').first().fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    const { secret } = await post(page, '/api/me/second-factor', { password: PASSWORD })
    const totp = new TOTP({ secret: Secret.fromBase32(String(secret)) })
    await post(page, '/api/me/second-factor/confirm', { code: totp.generate() })
    return {
      ...site,
      async prove() {
        const field = page.getByRole('dialog').getByRole('textbox').first()
        await field.waitFor({ timeout: 20_000 })
        // The code of set-up was used; the next step's counts already.
        await field.fill(totp.generate({ timestamp: Date.now() + 30_000 }))
        await page.keyboard.press('Enter')
        await field.waitFor({ state: 'hidden', timeout: 20_000 })
      },
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
    }
  } catch (thrown) {
    await site.close()
    throw thrown
  }
}

/** Asks the server as the page does; throws what it refuses. */
export async function post(page: Page, path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await page.evaluate<{ ok: boolean; text: string }>(
    `fetch(${JSON.stringify(path)}, { method: 'POST', headers: { 'content-type': 'application/json' },
       body: ${JSON.stringify(JSON.stringify(body))} }).then(async (got) => ({ ok: got.ok, text: await got.text() }))`,
  )
  if (!answer.ok) throw new Error(answer.text)
  return JSON.parse(answer.text) as Record<string, unknown>
}
