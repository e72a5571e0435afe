import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Download, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { suiteNeeding } from '../support/servers.ts'
import { openRemoteSite, type RemoteSite } from './remote-site.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

suiteNeeding(['chromium'], 'files of a device in the console, on a real server with a real agent', () => {
  vi.setConfig({ testTimeout: 60_000 })

  let site: RemoteSite
  let page: Page
  let folder: string
  let root: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-browser-files-'))
    root = join(folder, 'open')
    mkdirSync(join(root, 'many'), { recursive: true })
    mkdirSync(join(folder, 'outside'))
    writeFileSync(join(folder, 'outside', 'secret'), 'the secret outside')
    symlinkSync(join(folder, 'outside', 'secret'), join(root, 'link to it'))
    writeFileSync(join(root, 'letter.txt'), 'dear Ana')
    writeFileSync(join(root, 'ñandú 漢字 \u202egpj.exe'), 'strange')
    for (let index = 0; index < 3000; index++) writeFileSync(join(root, 'many', `file ${index}`), '')
    site = await openRemoteSite()
    page = site.page
    site.policy({ files: 'unattended', fileRoots: [root] })
  }, 180_000)
  afterAll(async () => {
    await site?.close()
    rmSync(folder, { recursive: true, force: true })
  }, 90_000)

  const entry = (name: string): Locator => page.locator('.folder-rows .entry', { hasText: name }).first()
  const openFiles = async (control: boolean): Promise<void> => {
    await page.getByLabel('Why').fill('the letter that was lost')
    await page.getByLabel('Change files too').setChecked(control)
    await page.getByRole('button', { name: 'Open the files' }).click()
    await page
      .locator('.folder-foot')
      .waitFor({ timeout: 20_000 })
      .catch(async (thrown: unknown) => {
        const shown = await page.locator('main').innerText()
        throw new Error(`${String(thrown)}; the page shows ${shown}`, { cause: thrown })
      })
  }
  const transfer = (name: string): Locator => page.locator('.transfers > li', { hasText: name }).first()
  const saved = async (download: Download): Promise<Buffer> => readFileSync(await download.path())

  it('lists a folder, names as names, and walks it by keys', async () => {
    await openFiles(false)
    await site.looked('files-1-list')
    expect(await page.locator('.folder-rows tbody').innerText()).toContain('ñandú 漢字 ␣gpj.exe')
    await entry('many').focus()
    await page.keyboard.press('Enter')
    await page.getByText('3000 entries').waitFor()
    // Only what is in sight is drawn.
    expect(await page.locator('.folder-rows tr[data-row]').count()).toBeLessThan(80)
    await entry('file 0').focus()
    await page.keyboard.press('End')
    await expect.poll(() => page.locator('.entry:focus').innerText()).toContain('file 2999')
    await page.keyboard.press('Home')
    await expect.poll(() => page.locator('.entry:focus').innerText()).toContain('file 0')
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => page.locator('.entry:focus').innerText()).toContain('file 1')
    await page.keyboard.press('Backspace')
    await entry('letter.txt').waitFor()
    // A session that only reads offers nothing else.
    expect(await page.getByRole('button', { name: /^(Upload|New folder|Remove|Rename)/ }).count()).toBe(0)
  })

  it('downloads a file with its checksum, and follows no link', async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), entry('letter.txt').click()])
    expect(download.suggestedFilename()).toBe('letter.txt')
    expect((await saved(download)).toString()).toBe('dear Ana')
    await transfer('letter.txt').getByText('Whole, checksum holds').waitFor()
    await transfer('letter.txt')
      .getByText(sha256(Buffer.from('dear Ana')))
      .waitFor()
    await entry('link to it').click({ force: true })
    expect(await page.locator('.transfers > li').count()).toBe(1)
    expect(await page.locator('.folder-rows tr', { hasText: 'link to it' }).getByRole('button').count()).toBe(
      1,
    )
  })

  it('goes on with a download in a new session after the first broke', async () => {
    const content = randomBytes(24 * 1024 * 1024)
    writeFileSync(join(root, 'big.bin'), content)
    await page.getByRole('button', { name: 'Read again' }).click()
    await entry('big.bin').click()
    const line = transfer('big.bin')
    const done = (): Promise<number> => line.locator('progress').evaluate((at: { value: number }) => at.value)
    await expect.poll(done, { interval: 20, timeout: 30_000 }).toBeGreaterThan(1_000_000)
    const { sessions } = await site.vigia.server.call('remotes', { query: { device: site.device } })
    await site.vigia.server.call('closeRemote', { params: { id: sessions[0]!.id } })
    await line.getByText('Broken off').waitFor()
    const had = await done()
    expect(had).toBeLessThan(content.length)
    await site.looked('files-2-broken')
    const downloading = page.waitForEvent('download', { timeout: 60_000 })
    await openFiles(true)
    expect(await done().catch(() => content.length)).toBeGreaterThanOrEqual(had)
    expect((await saved(await downloading)).equals(content)).toBe(true)
    await line.getByText(sha256(content)).waitFor()
  })

  it('goes on with an upload in a new session after the first broke, and changes nothing before it is whole', async () => {
    const content = randomBytes(10 * 1024 * 1024)
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Upload …' }).click()
    await (await chooser).setFiles([{ name: 'sent.bin', mimeType: 'application/x', buffer: content }])
    const line = transfer('sent.bin')
    const done = (): Promise<number> => line.locator('progress').evaluate((at: { value: number }) => at.value)
    await expect.poll(done, { interval: 20, timeout: 30_000 }).toBeGreaterThan(1_000_000)
    const { sessions } = await site.vigia.server.call('remotes', { query: { device: site.device } })
    await site.vigia.server.call('closeRemote', { params: { id: sessions[0]!.id } })
    await line.getByText('Broken off').waitFor()
    const part = join(root, `.vigia-${sha256(content).slice(0, 32)}.part`)
    const had = statSync(part).size
    expect(had).toBeGreaterThan(1_000_000)
    expect(existsSync(join(root, 'sent.bin'))).toBe(false)
    await openFiles(true)
    await line.getByText('Whole').waitFor({ timeout: 60_000 })
    expect(readFileSync(join(root, 'sent.bin')).equals(content)).toBe(true)
    expect(existsSync(part)).toBe(false)
  })

  it('uploads by picker and by drop, and replaces only when told', async () => {
    const content = randomBytes(3 * 1024 * 1024 + 5)
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Upload …' }).click()
    await (await chooser).setFiles([{ name: 'picked.bin', mimeType: 'application/x', buffer: content }])
    await transfer('picked.bin').getByText('Whole').waitFor()
    expect(readFileSync(join(root, 'picked.bin')).equals(content)).toBe(true)
    expect(statSync(join(root, 'picked.bin')).mode & 0o777).toBe(0o600)
    await entry('picked.bin').waitFor()
    const drop = async (name: string, text: string): Promise<void> => {
      await page.evaluate(
        `(() => {
          const data = new DataTransfer()
          data.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}))
          const target = document.querySelector('.folder')
          for (const type of ['dragover', 'drop'])
            target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }))
        })()`,
      )
    }
    await drop('dropped.txt', 'dropped here')
    await expect.poll(() => existsSync(join(root, 'dropped.txt'))).toBe(true)
    await drop('letter.txt', 'dear Berta')
    const line = transfer('letter.txt')
    await line.getByText('There is a file of this name').waitFor()
    expect(readFileSync(join(root, 'letter.txt'), 'utf8')).toBe('dear Ana')
    await site.looked('files-3-exists')
    await line.getByRole('button', { name: 'Replace it' }).click()
    await line.getByText('Whole').waitFor()
    expect(readFileSync(join(root, 'letter.txt'), 'utf8')).toBe('dear Berta')
  })

  it('makes a folder, renames and removes, each after a word', async () => {
    await page.getByRole('button', { name: 'New folder …' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('a/b')
    await dialog.getByText('A name has no strokes.').waitFor()
    await dialog.getByLabel('Name').fill('new one')
    await site.looked('files-4-folder')
    await page.keyboard.press('Enter')
    await entry('new one').waitFor()
    expect(statSync(join(root, 'new one')).isDirectory()).toBe(true)
    await page.getByRole('button', { name: 'Rename … dropped.txt' }).click()
    await dialog.getByLabel('Name').fill('letter.txt')
    await page.keyboard.press('Enter')
    await dialog.getByText('There is something of this name').waitFor()
    await dialog.getByLabel('Name').fill('kept.txt')
    await page.keyboard.press('Enter')
    await entry('kept.txt').waitFor()
    await entry('kept.txt').focus()
    await page.keyboard.press('Delete')
    await dialog.getByText('Remove kept.txt?').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    expect(existsSync(join(root, 'kept.txt'))).toBe(true)
    await page.getByRole('button', { name: 'Remove … kept.txt' }).click()
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click()
    await entry('kept.txt').waitFor({ state: 'detached' })
    expect(existsSync(join(root, 'kept.txt'))).toBe(false)
    await page.getByRole('button', { name: 'Remove … many' }).click()
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click()
    await dialog.getByText('The folder is not empty').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
  })

  it('says what the device refuses: what is too large, and what leads outside', async () => {
    writeFileSync(join(root, 'too large'), '')
    truncateSync(join(root, 'too large'), 4 * 1024 ** 3 + 1)
    await page.getByRole('button', { name: 'Read again' }).click()
    await entry('too large').click()
    await transfer('too large').getByText('FILE_TOO_LARGE').waitFor()
    rmSync(join(root, 'new one'), { recursive: true })
    symlinkSync(join(folder, 'outside'), join(root, 'new one'))
    await entry('new one').click()
    await page.getByRole('alert').getByText('FILE_OUTSIDE').waitFor()
    await page.getByRole('button', { name: root, exact: true }).click()
    await entry('letter.txt').waitFor()
    expect(await page.content()).not.toContain('the secret outside')
  })

  it('leaves an audit chain that holds', async () => {
    await page.getByRole('button', { name: 'End', exact: true }).click()
    await page.getByText('It was ended.').waitFor()
    expect((await site.vigia.server.call('verifyAudit')).ok).toBe(true)
    const { rows } = await site.vigia.server.call('audit', {
      query: { subject: site.device, action: 'file', limit: 500 },
    })
    const noted = (action: string, detail: object): void =>
      expect(rows).toContainEqual(
        expect.objectContaining({ who: 'ana', action, detail: expect.objectContaining(detail) as object }),
      )
    const path = (name: string): string => join(root, name)
    noted('file.read', {
      path: path('letter.txt'),
      bytes: 8,
      sha256: sha256(Buffer.from('dear Ana')),
      whole: true,
    })
    noted('file.read', { path: path('big.bin'), whole: false })
    const replaced = { path: path('letter.txt'), sha256: sha256(Buffer.from('dear Berta')), replace: true }
    noted('file.write', { ...replaced, whole: true })
    noted('file.write', { path: path('sent.bin'), whole: false })
    noted('file.remove', { path: path('kept.txt') })
    noted('file.rename', { path: path('dropped.txt'), to: path('kept.txt') })
    noted('file.refuse', { path: path('new one'), code: 'FILE_OUTSIDE' })
  })

  it('ends at once with the page, also where the page is not left by a link of its own', async () => {
    await openFiles(false)
    const newest = async () =>
      (await site.vigia.server.call('remotes', { query: { device: site.device } })).sessions[0]
    const { id } = (await newest())!
    await page.reload()
    // Half a minute would be that of a broken connection, which may come back.
    await expect.poll(newest, { timeout: 15_000 }).toMatchObject({ id, state: 'closed', why: 'ended' })
  })

  it('had nothing refused by the server’s own policy', () => {
    expect(site.complaints.filter((text) => !text.includes('401'))).toEqual([])
  })
})
