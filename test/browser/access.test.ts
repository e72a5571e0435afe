import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { suiteNeeding } from '../support/servers.ts'
import { axeFindings, buildConsole, openBrowser, openPage } from './console.ts'
import { uuid } from './fixture/data.ts'
import { startFixtureServer, type FixtureServer } from './fixture/server.ts'

suiteNeeding(['chromium'], 'set-up, sign-in and work on a ticket', () => {
  let browser: Browser
  let dist: string
  let remove: () => void
  const servers: FixtureServer[] = []
  const serve = async (state: 'full' | 'new' | 'signed-out', live = true): Promise<FixtureServer> => {
    const server = await startFixtureServer({ dist, state, live })
    servers.push(server)
    return server
  }

  beforeAll(async () => {
    ;({ dist, remove } = buildConsole())
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await Promise.all(servers.map((server) => server.close()))
    remove?.()
  })

  it('makes the owner from the one-time link, by keyboard alone', async () => {
    const server = await serve('new')
    const { page, context, complaints } = await openPage(browser)
    await page.goto(`${server.url}/setup#token=once`)
    await page.getByRole('heading', { name: 'Set up Vigía' }).waitFor()
    expect(await axeFindings(page)).toEqual([])
    const create = page.getByRole('button', { name: 'Create the account' })
    await page.getByLabel('Name').focus()
    await page.keyboard.type('ana')
    await page.getByLabel('Password').first().focus()
    await page.keyboard.type('short')
    await page.getByText('7 characters to go').waitFor()
    expect(await create.isDisabled()).toBe(true)
    await page.keyboard.type(' no more at all')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Fleet' }).waitFor()
    expect(server.calls).toContain('POST /api/setup')
    expect(complaints).toEqual([])
    await context.close()
  })

  it('explains the missing link, and that set-up is still to be done', async () => {
    const server = await serve('new')
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/setup`)
    await page.getByRole('heading', { name: 'This page needs the one-time link' }).waitFor()
    await page.goto(server.url)
    await page.getByRole('heading', { name: 'This server has not been set up yet' }).waitFor()
    await context.close()
  })

  it('leads to the sign-in, says what is wrong with the next step, and back to where one wanted to go', async () => {
    const server = await serve('signed-out')
    const { page, context } = await openPage(browser, { language: 'es' })
    await page.goto(`${server.url}/tickets`)
    await page.getByRole('heading', { name: 'Iniciar sesión' }).waitFor()
    await page.getByLabel('Nombre').fill('ana')
    await page.getByLabel('Contraseña').first().fill('wrong')
    await page.getByRole('button', { name: 'Iniciar sesión' }).click()
    const alert = page.getByRole('alert')
    await alert.waitFor()
    expect(await alert.innerText()).toContain('Siguiente paso: Inicia sesión con tu nombre y tu contraseña.')
    expect(await axeFindings(page)).toEqual([])
    await page.getByLabel('Contraseña').first().fill('correct horse battery')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Tickets' }).waitFor()
    await page.getByRole('button', { name: 'Cerrar sesión' }).click()
    await page.getByRole('heading', { name: 'Iniciar sesión' }).waitFor()
    await context.close()
  })

  it('starts a ticket and notes what was found', async () => {
    const server = await serve('full')
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/tickets`)
    await page.getByText('overdue').filter({ visible: true }).waitFor()
    const rows = await page.locator('tbody tr').allInnerTexts()
    expect(rows[0]).toContain('overdue')
    expect(rows[1]).toContain('left')
    await page.goto(`${server.url}/tickets/${uuid(100)}`)
    await page.getByLabel('Note').fill('The log rotation was off.')
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByText('The log rotation was off.').waitFor()
    await page.getByRole('button', { name: 'Resolve' }).waitFor()
    expect(server.calls).toContain(`PATCH /api/tickets/${uuid(100)}`)
    await context.close()
  })

  it('says that it polls when the live connection is away, and does', { timeout: 40_000 }, async () => {
    const server = await serve('full', false)
    const { page, context } = await openPage(browser)
    await page.goto(`${server.url}/health`)
    await page.getByText('Every 10 s').filter({ visible: true }).waitFor()
    const asked = (): number => server.calls.filter((call) => call === 'GET /healthz').length
    const before = asked()
    await expect.poll(asked, { timeout: 15_000 }).toBeGreaterThan(before)
    await context.close()
  })

  it(
    'says so when the server has gone, with the next step, and goes on when it is back',
    { timeout: 40_000 },
    async () => {
      const server = await serve('full')
      const { page, context } = await openPage(browser)
      await page.goto(`${server.url}/ledger`)
      await page.getByRole('heading', { name: 'Avoided trouble' }).waitFor()
      await page.route('**/api/incidents*', (route) => route.abort())
      await page.getByRole('link', { name: 'Incidents', exact: true }).click()
      const alert = page.getByRole('alert')
      await alert.waitFor()
      expect(await alert.innerText()).toContain('Start it with "npm start"')
      await page.unroute('**/api/incidents*')
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByRole('link', { name: 'Service stopped' }).waitFor()
      await context.close()
    },
  )
})
