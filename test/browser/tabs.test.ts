import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { suiteNeeding } from '../support/servers.ts'
import { buildConsole, openBrowser, openPage } from './console.ts'
import { startFixtureServer, type FixtureServer } from './fixture/server.ts'

/** Browsers open six connections to a server without TLS, over all tabs: a stream each would use them up. */
const TABS = 9

suiteNeeding(['chromium'], 'the console in many tabs', () => {
  let browser: Browser
  let server: FixtureServer
  let remove: () => void

  beforeAll(async () => {
    const built = buildConsole()
    remove = built.remove
    server = await startFixtureServer({ dist: built.dist, devices: 20 })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    remove?.()
  })

  /** As the browser tells a page that another tab stands before it, or no longer does; headless it tells nobody. */
  const show = (page: Page, state: 'visible' | 'hidden'): Promise<void> =>
    page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true })
       document.dispatchEvent(new Event('visibilitychange'))`,
    )

  it(
    'answers in the last one, and the first is up to date when it is shown again',
    { timeout: 60_000 },
    async () => {
      const { page: first, context } = await openPage(browser)
      await first.goto(server.url)
      await first.getByText('20 devices').first().waitFor()
      let before = first
      for (let tab = 1; tab < TABS; tab++) {
        await show(before, 'hidden')
        const page = await context.newPage()
        await page.goto(server.url, { timeout: 10_000 })
        await page.getByText('20 devices').first().waitFor({ timeout: 10_000 })
        before = page
      }
      await show(before, 'hidden')
      const asked = first.waitForRequest(/\/api\/devices/)
      await show(first, 'visible')
      await asked
      expect(await first.getByText(/Not connected|No connection/).count()).toBe(0)
      await context.close()
    },
  )
})
