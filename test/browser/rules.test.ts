import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { suiteNeeding } from '../support/servers.ts'
import { axeFindings, buildConsole, openBrowser, openPage, settled } from './console.ts'
import { deviceId, uuid } from './fixture/data.ts'
import { startFixtureServer, type FixtureServer } from './fixture/server.ts'

/** What the console may bring before its first page, compressed. */
const SHELL_KB = 253

suiteNeeding(['chromium'], 'rules, their packs and noise in the console', () => {
  let browser: Browser
  let dist: string
  let remove: () => void
  const servers: FixtureServer[] = []
  const serve = async (): Promise<FixtureServer> => {
    const server = await startFixtureServer({ dist })
    servers.push(server)
    return server
  }

  beforeAll(async () => {
    ;({ dist, remove } = buildConsole())
    browser = await openBrowser()
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await Promise.all(servers.map((server) => server.close()))
    remove?.()
  })

  const editor = (page: Page) => page.getByRole('textbox', { name: 'Text of the pack' })
  /** Replaces all that stands in the editor. */
  const write = async (page: Page, text: string): Promise<void> => {
    await editor(page).click()
    await page.keyboard.press('ControlOrMeta+a')
    // Text over a selection would bring a span with a style of Chromium's own making.
    await page.keyboard.press('Delete')
    await page.keyboard.insertText(text)
  }

  it('keeps its shell small, and the editor out of it', () => {
    const html = readFileSync(join(dist, 'index.html'), 'utf8')
    const first = [...html.matchAll(/assets\/[^"]+\.(?:js|css)/g)].map(([path]) => path)
    expect(first.length).toBeGreaterThan(3)
    const bytes = first.reduce((sum, path) => sum + gzipSync(readFileSync(join(dist, path))).length, 0)
    expect(bytes / 1000).toBeLessThan(SHELL_KB)
    const withEditor = readdirSync(join(dist, 'assets')).filter((file) =>
      readFileSync(join(dist, 'assets', file), 'utf8').includes('cm-scroller'),
    )
    expect(withEditor).toHaveLength(1)
    expect(first).not.toContain(`assets/${withEditor[0]}`)
  })

  it('explains an incident at a glance, also to who cannot see the chart', async () => {
    const server = await serve()
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/incidents/${uuid(2)}`)
    const chart = page.getByRole('figure', {
      name: /The forecast reaches it at .+, between .+ and .+ with 80% certainty/,
    })
    await chart.locator('canvas').waitFor()
    await page.getByText('one straight line over the last 1 h').waitFor()
    await page.getByText('it has gone on evenly for 1 h, over 60 samples').waitFor()
    await page.getByText(`vigia rules backtest --incident ${uuid(2)}`).waitFor()
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText(/^(Copied|Selected: press Ctrl\+C)$/).waitFor()
    await page.getByRole('link', { name: 'Silence this' }).click()
    expect(await page.getByLabel('Rule', { exact: true }).inputValue()).toBe('disk-will-fill')
    await expect.poll(() => page.getByLabel('Device').inputValue()).toBe(deviceId(1))
    await context.close()
  })

  it('tells which devices a site took with it, and which series took part', async () => {
    const server = await serve()
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/incidents/${uuid(7)}`)
    await page.getByRole('heading', { name: '14 devices of Madrid' }).waitFor()
    expect(await page.locator('.members li').count()).toBe(14)
    await page.goto(`${server.url}/incidents/${uuid(6)}`)
    const row = page.getByRole('row', { name: /cpu\.iowait_percent/ })
    await row.waitFor()
    expect(await row.innerText()).toMatch(/42\.7\s+3\.2/)
    await page.getByRole('heading', { name: 'It explains 1 alert' }).waitFor()
    await context.close()
  })

  it('puts the rules that cannot fire on top with the reason, and finds by what is known', async () => {
    const server = await serve()
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/rules`)
    await page.getByRole('heading', { name: '1 rule cannot fire' }).waitFor()
    await page.getByText('The device reports no series of disk.inodes_used_percent').waitFor()
    await page.getByLabel('Search rules').fill('leak memory')
    await expect.poll(() => page.locator('table.rules tbody tr').count()).toBe(1)
    expect(page.url()).toContain('find=leak')
    await page.getByLabel('Search rules').fill('nothing like it')
    await page.getByRole('button', { name: 'Show all' }).click()
    await page.getByLabel('Show', { exact: true }).selectOption('overridden')
    await page.getByRole('link', { name: 'Disk nearly full' }).click()
    await page.getByLabel('Show devices by state').selectOption('unavailable')
    await expect.poll(() => page.locator('.coverage-rows li').count()).toBe(1)
    await page.getByText('See what the collector says').waitFor()
    await context.close()
  })

  it('says on the device why a rule applies there with these figures', async () => {
    const server = await serve()
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/devices/${deviceId(0)}`)
    const rule = page.locator('.device-rules > li', { hasText: 'Disk nearly full' })
    await rule.locator('summary').focus()
    await page.keyboard.press('Enter')
    const figure = rule.getByRole('row', { name: /threshold\.above/ })
    await figure.waitFor()
    expect(await figure.innerText()).toMatch(/99\.3[\s\S]*before: 98\.5[\s\S]*override[\s\S]*acme\.yaml:5/)
    expect(await axeFindings(page)).toEqual([])
    await context.close()
  })

  it(
    'shows a fault in its line, offers what may stand there, tries a text on history and puts it in force',
    { timeout: 60_000 },
    async () => {
      const server = await serve()
      const { page, context, complaints } = await openPage(browser)
      await page.goto(`${server.url}/packs/acme`)
      await editor(page).waitFor()
      await page.getByText('It changes nothing').waitFor()
      const head =
        'pack: acme\nversion: 1\noverrides:\n  - rule: disk-space\n    client: demo\n    reason: full of work\n'
      await write(page, `${head}    set: { severity: grave }\n`)
      await page.getByText('1 fault', { exact: true }).waitFor()
      await page.locator('.cm-lintRange-error').first().waitFor()
      expect(await axeFindings(page)).toEqual([])
      await page.getByRole('button', { name: 'Line 7' }).click()
      expect(await page.getByRole('button', { name: 'Save …' }).isDisabled()).toBe(true)

      await write(page, `${head}    set: { severity: `)
      await page.keyboard.press('Control+Space')
      const offer = page.locator('.cm-tooltip-autocomplete li')
      await offer.first().waitFor()
      expect(await offer.allInnerTexts()).toEqual(['critical', 'info', 'warning'])
      await page.keyboard.press('Escape')
      await page.keyboard.insertText('critical }\n')
      await page.getByText('It would change 1 rule').waitFor()

      await page.getByRole('button', { name: 'Try it' }).click()
      await page.getByRole('progressbar').waitFor()
      await page.getByText('This change would have opened 3 incidents instead of 41.').waitFor()

      await page.getByRole('button', { name: 'Save …' }).click()
      const dialog = page.getByRole('dialog', { name: 'Put the pack acme in force?' })
      await dialog.waitFor()
      expect(await axeFindings(page)).toEqual([])
      await dialog.getByLabel('Why').fill('asked for by Ana')
      await page.keyboard.press('Enter')
      await page
        .getByRole('status')
        .filter({ hasText: /^In force$/ })
        .waitFor()
      await page.getByText('Not saved').waitFor({ state: 'detached' })
      await page.getByRole('button', { name: 'What changed' }).first().click()
      const come = page.locator('.diff [data-kind=come]', { hasText: 'severity: critical' })
      expect(await come.innerText()).toContain('+')
      expect(server.calls).toContain('POST /api/rules/apply')
      expect(complaints).toEqual([])
      await context.close()
    },
  )

  it('lets nobody lose what was written, and nobody write in what ships', async () => {
    const server = await serve()
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/packs/disk`)
    await editor(page).waitFor()
    expect(await editor(page).getAttribute('aria-readonly')).toBe('true')
    expect(await page.getByRole('button', { name: 'Save …' }).count()).toBe(0)
    await page.goto(`${server.url}/packs/fresh`)
    await editor(page).waitFor()
    let asked = 0
    page.on('dialog', (dialog) => {
      asked++
      void (asked === 1 ? dialog.dismiss() : dialog.accept())
    })
    await page.getByRole('link', { name: 'Tickets' }).click()
    expect(page.url()).toContain('/packs/fresh')
    await page.getByRole('link', { name: 'Tickets' }).click()
    await page.getByRole('heading', { level: 1, name: 'Tickets' }).waitFor()
    expect(asked).toBe(2)
    await context.close()
  })

  it('silences with a reason, ends it, and leads from a noisy rule to the change that quiets it', async () => {
    const server = await serve()
    const { page, context, complaints } = await openPage(browser)
    await page.goto(`${server.url}/noise?client=demo&rule=disk-space`)
    const add = page.getByRole('button', { name: 'Silence', exact: true })
    await add.waitFor()
    expect(await add.isDisabled()).toBe(true)
    await page.getByLabel('Reason').fill('a planned migration')
    await add.click()
    const row = page.locator('.rows li', { hasText: 'a planned migration' })
    await row.waitFor()
    expect(await row.innerText()).toContain('rule disk-space')
    await row.getByRole('button', { name: 'End now' }).click()
    await row.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Noise budget' }).click()
    await page.getByRole('link', { name: 'Open in the editor' }).click()
    await editor(page).waitFor()
    await settled(page)
    expect(await editor(page).innerText()).toContain('reason: 27 of 31 incidents')
    await page.getByText('It would change 1 rule').waitFor()
    expect(complaints).toEqual([])
    await context.close()
  })

  it('reads business hours as people write them, and says what was suppressed by what', async () => {
    const server = await serve()
    const { page, context } = await openPage(browser, { language: 'es' })
    await page.goto(`${server.url}/noise?show=hours&client=demo`)
    const saturday = page.getByRole('textbox', { name: 'sábado' })
    await saturday.fill('9 a 14')
    await page.getByText('Como 08:00-13:00, 15:00-18:00').waitFor()
    const save = page.getByRole('button', { name: 'Guardar el horario' })
    expect(await save.isDisabled()).toBe(true)
    await saturday.fill('9-14')
    await save.click()
    await page.getByText('Guardado').waitFor()
    await page.getByRole('link', { name: 'Qué se suprimió' }).click()
    await page.getByLabel('Por qué medio').selectOption('inhibition')
    await expect.poll(() => page.locator('table.log tbody tr').count()).toBe(1)
    await page.getByText('disk-full of the same device explains it').filter({ visible: true }).waitFor()
    await context.close()
  })

  it('has the rest of its menu behind one button on a phone', async () => {
    const server = await serve()
    const { page, context } = await openPage(browser, { width: 390, height: 800 })
    await page.goto(`${server.url}/rules`)
    await settled(page)
    expect(await page.getByRole('link', { name: 'Health' }).isVisible()).toBe(false)
    await page.getByRole('button', { name: 'More' }).click()
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('link', { name: 'Health' }).click()
    await page.getByRole('heading', { level: 1, name: 'Health' }).waitFor()
    expect(await page.getByRole('link', { name: 'Noise' }).isVisible()).toBe(false)
    await context.close()
  })
})
