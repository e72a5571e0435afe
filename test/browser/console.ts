import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { programPath } from '../support/servers.ts'

const PROJECT = join(import.meta.dirname, '../..')
const VITE = join(PROJECT, 'node_modules/vite/bin/vite.js')
/** Debian's Chromium as root, and quiet on the network. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
]

/** Builds the console from its sources, as it ships, into a folder of its own. */
export function buildConsole(): { dist: string; remove: () => void } {
  const dist = mkdtempSync(join(tmpdir(), 'vigia-console-'))
  const run = spawnSync(
    process.execPath,
    [VITE, 'build', 'dashboard', '--logLevel', 'error', '--emptyOutDir', '--outDir', dist],
    { cwd: PROJECT, encoding: 'utf8', env: { ...process.env, NODE_ENV: 'production' } },
  )
  if (run.status !== 0) throw new Error(`The console could not be built: ${run.stderr}${run.stdout}`)
  return { dist, remove: () => rmSync(dist, { recursive: true, force: true }) }
}

/** A real Chromium. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: programPath('chromium') ?? '', args: ARGUMENTS })
}

type View = { scheme?: 'light' | 'dark'; language?: 'en' | 'es'; width?: number; height?: number }

/** A page as a person with these settings has it, and everything that it complained about. */
export async function openPage(
  browser: Browser,
  { scheme = 'light', language = 'en', width = 1280, height = 800 }: View = {},
): Promise<{ page: Page; context: BrowserContext; complaints: string[] }> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    locale: language === 'es' ? 'es-ES' : 'en-GB',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return { page, context, complaints }
}

/** Waits until the page no longer waits for an answer. */
export async function settled(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor()
  await expect.poll(() => page.locator('.skeleton, .chart-waiting').count()).toBe(0)
}

/** Shows the page in a colour scheme and a width, and waits until it has taken both: it hears of them after a moment. */
export async function showAs(page: Page, colorScheme: 'light' | 'dark', width: number): Promise<void> {
  await page.emulateMedia({ colorScheme })
  await page.setViewportSize({ width, height: 800 })
  await page.locator(`html[data-mantine-color-scheme='${colorScheme}']`).waitFor()
  await expect.poll(() => page.evaluate<number>('innerWidth')).toBe(width)
}

/** By how many pixels the page is wider than its screen. */
export async function pixelsTooWide(page: Page): Promise<number> {
  return page.evaluate<number>(
    `Math.max(document.documentElement.scrollWidth - innerWidth,
       ...[...document.querySelectorAll('main')].map((main) => main.scrollWidth - main.clientWidth))`,
  )
}

/** What axe finds on the page as it stands: one line for each element, with the rule. */
export async function axeFindings(page: Page): Promise<string[]> {
  // A colour that is on its way to another is neither: let what moves come to rest, endless movements apart. A colour that
  // is inherited begins to move when the one above has moved, so rest is when nothing moves over two frames.
  await page.evaluate(
    `(async () => {
      const moving = () => document.getAnimations()
        .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
      for (let still = 0; still < 2; still = moving().length === 0 ? still + 1 : 0) {
        await Promise.all(moving().map((one) => one.finished.catch(() => undefined)))
        await frame()
      }
    })()`,
  )
  // Through the debugging protocol: the page's own policy admits no script from outside.
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    type Axe = { run(): Promise<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }> }
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run()
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)}`),
    )
  })
}
