import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { suiteNeeding } from '../support/servers.ts'
import { axeFindings, buildConsole, openBrowser, openPage, pixelsTooWide, settled } from './console.ts'
import { deviceId, uuid } from './fixture/data.ts'
import { startFixtureServer, type FixtureServer } from './fixture/server.ts'

const PAGES = [
  { path: '/', en: 'Fleet', es: 'Flota' },
  { path: `/devices/${deviceId(0)}`, en: 'web-01', es: 'web-01' },
  { path: '/incidents', en: 'Incidents', es: 'Incidentes' },
  { path: `/incidents/${uuid(1)}`, en: 'Disk will fill up', es: 'El disco se va a llenar' },
  { path: `/incidents/${uuid(2)}`, en: 'Disk will fill up', es: 'El disco se va a llenar' },
  { path: `/incidents/${uuid(4)}`, en: 'Device is silent', es: 'El dispositivo no informa' },
  {
    path: `/incidents/${uuid(6)}`,
    en: 'This machine differs from the machines like it',
    es: 'Esta máquina difiere de sus iguales',
  },
  { path: `/incidents/${uuid(7)}`, en: 'Site is offline', es: 'La sede no tiene conexión' },
  { path: '/rules', en: 'Rules', es: 'Reglas' },
  { path: '/rules/disk-space', en: 'Disk nearly full', es: 'Disco casi lleno' },
  { path: '/packs', en: 'Rule packs', es: 'Paquetes de reglas' },
  { path: '/packs/acme', en: 'acme', es: 'acme' },
  { path: '/packs/disk', en: 'disk', es: 'disk' },
  { path: '/noise', en: 'Noise', es: 'Ruido' },
  { path: '/noise?show=budget', en: 'Noise', es: 'Ruido' },
  { path: '/noise?show=hours&client=demo', en: 'Noise', es: 'Ruido' },
  { path: '/noise?show=log', en: 'Noise', es: 'Ruido' },
  { path: '/tickets?show=all', en: 'Tickets', es: 'Tickets' },
  { path: `/tickets/${uuid(100)}`, en: 'Disk will fill up', es: 'El disco se va a llenar' },
  { path: '/ledger', en: 'Avoided trouble', es: 'Problemas evitados' },
  { path: '/reports', en: 'Reports', es: 'Informes' },
  { path: '/health', en: 'Health', es: 'Salud' },
] as const
const VIEWS = [
  { scheme: 'light', language: 'en', width: 1280 },
  { scheme: 'dark', language: 'es', width: 1280 },
  { scheme: 'dark', language: 'en', width: 390 },
  { scheme: 'light', language: 'es', width: 390 },
] as const

suiteNeeding(['chromium'], 'the pages of the console, on fixtures', () => {
  let browser: Browser
  let server: FixtureServer
  let empty: FixtureServer
  let remove: () => void

  beforeAll(async () => {
    const built = buildConsole()
    remove = built.remove
    server = await startFixtureServer({ dist: built.dist })
    empty = await startFixtureServer({ dist: built.dist, state: 'empty' })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await empty?.close()
    remove?.()
  })

  for (const view of VIEWS) {
    const name = `${view.scheme}, ${view.language}, ${view.width} px`

    it(
      `axe finds nothing and nothing is refused by the strictest policy: ${name}`,
      { timeout: 240_000 },
      async () => {
        const { page, context, complaints } = await openPage(browser, view)
        const findings: string[] = []
        for (const { path, [view.language]: title } of PAGES) {
          await page.goto(server.url + path)
          await page.getByRole('heading', { level: 1, name: title }).waitFor()
          await settled(page)
          findings.push(...(await axeFindings(page)).map((finding) => `${path}: ${finding}`))
          const wider = await pixelsTooWide(page)
          if (wider > 0) findings.push(`${path}: ${wider} px wider than the screen`)
        }
        await context.close()
        expect(findings).toEqual([])
        expect(complaints).toEqual([])
      },
    )
  }

  it('places with nothing in them say what would put something there, and axe finds nothing', async () => {
    const { page, context, complaints } = await openPage(browser)
    for (const [path, command] of [
      ['/', 'vigia enrol-token'],
      ['/incidents', 'vigia lab service-crash'],
      ['/tickets', 'vigia lab disk-fill --unfixable'],
      ['/ledger', 'vigia lab service-crash'],
    ] as const) {
      await page.goto(empty.url + path)
      await page.getByText(command).waitFor()
      expect(await axeFindings(page)).toEqual([])
    }
    await context.close()
    expect(complaints).toEqual([])
  })

  it('follows the browser at first, and keeps what the person chose', async () => {
    const { page, context } = await openPage(browser, { scheme: 'dark', language: 'es' })
    const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    await page.goto(server.url)
    await page.getByRole('heading', { name: 'Flota' }).waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('es')
    const dark = await ground()
    await page.getByText('Claro', { exact: true }).click()
    await page.getByText('English', { exact: true }).click()
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    const light = await ground()
    expect(light).not.toBe(dark)
    await page.reload()
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('en')
    expect(await ground()).toBe(light)
    await context.close()
  })

  it('shows what a device sent as text, never as markup', async () => {
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/devices/${deviceId(0)}`)
    await page.getByText('<img src=x onerror=alert(1)>').waitFor()
    await page.goto(`${server.url}/incidents/${uuid(2)}`)
    await page.getByText('<script>alert(1)</script>').waitFor()
    expect(await page.locator('main img, main b, main script').count()).toBe(0)
    await context.close()
  })

  it('takes out of an address what the page does not know, and shows the page', async () => {
    const { page, context, complaints } = await openPage(browser)
    await page.goto(`${server.url}/noise?show=nonsense&client=demo`)
    await page.getByRole('heading', { name: 'New silence' }).waitFor()
    expect(new URL(page.url()).search).toBe('?client=demo')
    await context.close()
    expect(complaints).toEqual([])
  })

  it('says unavailable, not zero, where nothing could be read', async () => {
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/devices/${deviceId(0)}`)
    const row = page.getByRole('row', { name: 'Swap in use' })
    await row.waitFor()
    expect(await row.innerText()).toContain('unavailable')
    expect(await row.innerText()).not.toMatch(/\d/)
    await context.close()
  })
})
