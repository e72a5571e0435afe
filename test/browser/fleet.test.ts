import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { suiteNeeding } from '../support/servers.ts'
import { axeFindings, buildConsole, openBrowser, openPage } from './console.ts'
import { deviceId } from './fixture/data.ts'
import { startFixtureServer, type FixtureServer } from './fixture/server.ts'

const DEVICES = 10_000

suiteNeeding(['chromium'], 'the fleet page at ten thousand devices', () => {
  let browser: Browser
  let server: FixtureServer
  let remove: () => void

  beforeAll(async () => {
    const built = buildConsole()
    remove = built.remove
    server = await startFixtureServer({ dist: built.dist, devices: DEVICES })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    remove?.()
  })

  const rowsDrawn = (page: Page): Promise<number> => page.locator('tbody tr[data-row]').count()
  const focusedRow = (page: Page): Promise<number> =>
    page.evaluate<number>("Number(document.activeElement?.closest('tr')?.getAttribute('aria-rowindex') ?? 0)")
  const search = (page: Page) => page.getByRole('searchbox', { name: 'Search devices' })

  it('draws only the rows in sight and tells the whole number', async () => {
    const { page, context, complaints } = await openPage(browser)
    await page.goto(server.url)
    await page.getByText('10,000 devices').first().waitFor()
    expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe(String(DEVICES + 1))
    expect(await rowsDrawn(page)).toBeGreaterThan(10)
    expect(await rowsDrawn(page)).toBeLessThan(60)
    expect(await axeFindings(page)).toEqual([])
    expect(complaints).toEqual([])
    await context.close()
  })

  it('is walked by keyboard from the first to the last device and into one', async () => {
    const { page, context } = await openPage(browser)
    await page.goto(server.url)
    const first = page.locator('tr[aria-rowindex="2"] a')
    await first.focus()
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => focusedRow(page)).toBe(3)
    await page.keyboard.press('End')
    await expect.poll(() => focusedRow(page)).toBe(DEVICES + 1)
    await page.keyboard.press('ArrowUp')
    await expect.poll(() => focusedRow(page)).toBe(DEVICES)
    await page.keyboard.press('Home')
    await expect.poll(() => focusedRow(page)).toBe(2)
    const name = await page.evaluate<string>('document.activeElement.textContent')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name }).waitFor()
    expect(page.url()).toContain('/devices/d-')
    await context.close()
  })

  it('searches by name, client, system and tag, without accents, and clears with Escape', async () => {
    const { page, context } = await openPage(browser)
    await page.goto(server.url)
    await page.getByText('10,000 devices').first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('manana debian clinica')
    await expect
      .poll(async () => Number(await page.getByRole('table').getAttribute('aria-rowcount')))
      .toBeLessThan(1000)
    const clients = await page.locator('tbody td[data-column="client"]').allInnerTexts()
    expect(new Set(clients)).toEqual(new Set(['clinica-sol']))
    await search(page).fill('no such device')
    await page.getByRole('heading', { name: 'No device matches' }).waitFor()
    await search(page).press('Escape')
    await page.getByRole('table').waitFor()
    await context.close()
  })

  it('sorts by a column, the greatest first, and back', async () => {
    const { page, context } = await openPage(browser)
    await page.goto(server.url)
    const header = page.getByRole('columnheader', { name: 'CPU' })
    await header.getByRole('button').click()
    expect(await header.getAttribute('aria-sort')).toBe('descending')
    const cpu = async (): Promise<number[]> =>
      (await page.locator('tbody td[data-column="cpu"]').allInnerTexts())
        .slice(0, 10)
        .map((text) => Number.parseFloat(text))
    const highest = await cpu()
    expect(highest).toEqual([...highest].sort((a, b) => b - a))
    expect(highest[0]).toBeGreaterThan(95)
    await header.getByRole('button').click()
    expect(await header.getAttribute('aria-sort')).toBe('ascending')
    await context.close()
  })

  it('asks again when the server says that a device changed', { timeout: 40_000 }, async () => {
    const { page, context } = await openPage(browser)
    const asked = (): number =>
      server.calls.filter((call) => call === `GET /api/devices/${deviceId(3)}`).length
    await page.goto(`${server.url}/devices/${deviceId(3)}`)
    await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
    const before = asked()
    server.emit({ type: 'values', device: deviceId(3), timeMs: Date.now() })
    await expect.poll(asked).toBeGreaterThan(before)
    await context.close()
  })

  it('goes on where the browser thinks that it is offline, as on a laptop with the server on itself', async () => {
    const { page, context } = await openPage(browser)
    await page.goto(server.url)
    await page.getByText('10,000 devices').first().waitFor()
    await page.evaluate("window.dispatchEvent(new Event('offline'))")
    await page.locator('tr[aria-rowindex="2"] a').click()
    await page.getByRole('row', { name: 'Memory in use' }).waitFor()
    await context.close()
  })
})
