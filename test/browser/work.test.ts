import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../support/installation.ts'
import { suiteNeeding } from '../support/servers.ts'
import { openRemoteSite, type RemoteSite } from './remote-site.ts'
import { PASSWORD } from './site.ts'

suiteNeeding(['chromium'], 'scripts, runs and jobs in the console of a real server', () => {
  let site: RemoteSite
  let schedule = ''

  beforeAll(async () => {
    site = await openRemoteSite()
  }, 120_000)
  afterAll(async () => {
    await site?.close()
  }, 60_000)

  /** Signing out and the question for the second factor are refusals that the browser notes. */
  const unexpected = (): string[] => site.complaints.filter((text) => !/status of 40[13]/.test(text))
  const open = async (path: string): Promise<void> => void (await site.page.goto(site.vigia.url + path))

  it(
    'finds a script of the library and says what it takes, changes and tells',
    { timeout: 60_000 },
    async () => {
      const { page } = site
      await open('/scripts')
      await page.getByLabel('Find').fill('clear temporary')
      const row = page.getByRole('row').filter({ hasText: 'clear-temp' }).first()
      await row.waitFor()
      await site.looked('scripts')
      await row.getByRole('link', { name: 'Clear temporary files' }).click()
      await page.getByRole('heading', { name: 'What it changes' }).waitFor()
      await page.getByText('Mount point of the file system').waitFor()
      await page.getByText('set -u').waitFor()
      await site.looked('script')
    },
  )

  it(
    'says beside its field what is wrong, before anything is asked of the server',
    { timeout: 60_000 },
    async () => {
      const { page } = site
      await open(`/run?script=clear-temp&device=${site.device}`)
      await page.getByLabel('mount').fill('not a path')
      await page.getByText('It does not fit what is asked for').waitFor()
      expect(await page.getByRole('button', { name: 'Run on 0 devices' }).isDisabled()).toBe(true)
      await site.looked('order')
      const about = [
        ...['name: greet', 'version: 1', 'title: Greets', 'description: Greets', 'interpreter: batch'],
        ...['systems: [windows]', 'timeoutS: 9', 'idempotent: true', 'changes: nothing', 'successCodes: [0]'],
        "parameters: { who: { type: string, pattern: '.*', maxLength: 40, help: whom } }",
      ]
      const file = join(site.vigia.dataDir, 'greet')
      writeFileSync(`${file}.yaml`, about.join('\n'))
      writeFileSync(`${file}.cmd`, 'echo %VIGIA_PARAM_WHO%\n')
      const approved = site.vigia.vigia('approve', `${file}.yaml`, '--yes')
      expect(approved.code, approved.stderr).toBe(0)
      await open('/run?script=greet')
      await page.getByLabel('who').fill('Ana & del x')
      await page.getByText('cmd.exe would evaluate them').waitFor()
    },
  )

  it(
    'runs a script with one confirmation and the second factor, and shows its output',
    { timeout: 90_000 },
    async () => {
      const { page } = site
      // Signed in anew, nobody has shown a second factor.
      await open('/')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByLabel('Name').fill('ana')
      await page.getByLabel('Password').first().fill(PASSWORD)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Fleet' }).waitFor()
      await open(`/run?script=device-facts&device=${site.device}`)
      await page.getByRole('button', { name: 'Run on 1 device' }).click()
      await site.prove()
      await page.waitForURL(/\/jobs\//, { timeout: 20_000 })
      await page.getByText('kernel: Linux').waitFor({ timeout: 20_000 })
      await page.getByText('ended well').first().waitFor({ timeout: 20_000 })
      await page.getByText('Exit code 0').waitFor()
      await site.looked('job')
      // Columns of a table stand under each other when its lines are not broken; what is copied is what is shown.
      const output = page.getByRole('region', { name: 'Output', exact: true })
      const linesOf = (): Promise<number> =>
        output.evaluate((pre: { clientHeight: number; scrollHeight: number }) => pre.scrollHeight)
      await page.setViewportSize({ width: 390, height: 800 })
      const broken = await linesOf()
      await page.getByLabel('Wrap lines').uncheck()
      await expect.poll(linesOf).toBeLessThan(broken)
      await site.looked('job-not-wrapped')
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
      await page.getByRole('button', { name: 'Copy' }).click()
      await page.getByText('Copied').waitFor()
      expect(await page.evaluate<string>('navigator.clipboard.readText()')).toContain('kernel: Linux')
      await page.reload()
      expect(await page.getByLabel('Wrap lines').isChecked()).toBe(false)
      await page.getByLabel('Wrap lines').check()
    },
  )

  it(
    'shows output while it comes, with its colours, both streams in order',
    { timeout: 90_000 },
    async () => {
      const { page, vigia } = site
      const file = join(vigia.dataDir, 'slow-talk.sh')
      writeFileSync(
        file,
        "printf 'one \\033[31mred\\033[0m\\n'; sleep 0.3; echo two >&2; printf '10 %%\\r\\033[K20 %%\\r\\033[K'; sleep 6; echo three; exit 3\n",
      )
      const approved = vigia.vigia('approve', file, '--yes')
      expect(approved.code, approved.stderr).toBe(0)
      await open(`/run?script=slow-talk&device=${site.device}`)
      await page.getByRole('button', { name: 'Run on 1 device' }).click()
      await page.waitForURL(/\/jobs\//, { timeout: 20_000 })
      const output = page.getByRole('region', { name: 'Output', exact: true })
      await output.getByText('two').waitFor({ timeout: 5000 })
      expect(await output.innerText()).not.toContain('three')
      expect(await output.locator('.sgr-f1').innerText()).toBe('red')
      await site.looked('job-live')
      await output.getByText('three').waitFor({ timeout: 20_000 })
      expect(await output.innerText()).toMatch(/one red\s+two\s+three/)
      await page.getByText('Exit code 3').waitFor({ timeout: 20_000 })
      await page.getByText('failed').first().waitFor()
    },
  )

  it(
    'orders the version that it shows, not a newer one that runs elsewhere, and keeps the reason',
    { timeout: 90_000 },
    async () => {
      const { page, vigia } = site
      const about = (version: number, parameters: string): string =>
        [
          ...[`name: say`, `version: ${version}`, 'title: Say it', 'description: Says its version.'],
          ...['interpreter: sh', 'systems: [linux]', `parameters: ${parameters}`, 'timeoutS: 30'],
          ...['idempotent: true', 'changes: nothing', 'successCodes: [0]', ''],
        ].join('\n')
      const approve = (version: number, parameters: string, ...more: string[]): void => {
        writeFileSync(join(vigia.dataDir, 'say.yaml'), about(version, parameters))
        writeFileSync(join(vigia.dataDir, 'say.sh'), `echo version ${version}\n`)
        const approved = vigia.vigia('approve', join(vigia.dataDir, 'say.yaml'), '--yes', ...more)
        expect(approved.code, approved.stderr).toBe(0)
      }
      approve(1, '{}')
      approve(
        2,
        "{ loud: { type: string, pattern: '.+', help: How loud } }",
        '--device',
        'd-aaaaaaaaaaaaaaaa',
      )
      await open(`/run?script=say&device=${site.device}`)
      await page
        .getByLabel('Script')
        .locator('option', { hasText: 'Say it' })
        .nth(1)
        .waitFor({ state: 'attached' })
      expect(await page.getByLabel('loud').count()).toBe(0)
      await page.getByLabel('Reason').fill('as Eva asked')
      await page.getByRole('button', { name: 'Run on 1 device' }).click()
      await page.waitForURL(/\/jobs\//, { timeout: 20_000 })
      await page.getByText('version 1').first().waitFor({ timeout: 20_000 })
      const job = page.url().split('/').at(-1) ?? ''
      const { rows } = await vigia.server.call('audit', { query: { subject: job, action: 'job.order' } })
      expect(rows).toMatchObject([{ who: 'ana', detail: { reason: 'as Eva asked' } }])
    },
  )

  it(
    'runs on all devices that fit a condition, and groups the results by what they told',
    { timeout: 90_000 },
    async () => {
      const { page } = site
      await open('/run?script=device-facts')
      await page.getByText('All that fit').click()
      await page.getByLabel('Condition').fill("device.os == 'linux'")
      await page.getByText('1 device, 1 of them connected').waitFor({ timeout: 20_000 })
      await page.getByRole('button', { name: 'Run on 1 device' }).click()
      await page.waitForURL(/\/runs\//, { timeout: 20_000 })
      await page.getByText('done').first().waitFor({ timeout: 30_000 })
      const table = page.getByRole('region', { name: 'One row for each device' })
      await table.getByText('ended well').waitFor({ timeout: 20_000 })
      await page.getByLabel('Group by').selectOption('exit')
      await page.getByRole('button', { name: '0 1' }).click()
      expect(await table.getByRole('row').count()).toBe(2)
      await site.looked('run')
      const csv = await page.evaluate<string>(
        `fetch(document.querySelector('a[download]').href).then((answer) => answer.text())`,
      )
      expect(csv).toMatch(/uptime_seconds/)
    },
  )

  it('orders a schedule, whose page says when it begins', { timeout: 60_000 }, async () => {
    const { page } = site
    await open('/run?script=device-facts')
    await page.getByText('All that fit').click()
    await page.getByLabel('Condition').fill("device.os == 'linux'")
    await page.getByText('On a schedule').click()
    await page.getByLabel('Schedule', { exact: true }).fill('* * * * *')
    await page.getByRole('button', { name: 'Schedule it' }).click()
    await page.waitForURL(/\/runs\//, { timeout: 20_000 })
    schedule = new URL(page.url()).pathname
    await page.getByRole('heading', { name: 'Runs of this schedule' }).waitFor()
    await page.getByText('Begins', { exact: true }).waitFor()
  })

  it(
    'holds a flood: what is left out is counted, its end is in sight, and its words in colour are found',
    { timeout: 90_000 },
    async () => {
      const { page, vigia } = site
      const file = join(vigia.dataDir, 'flood-talk.sh')
      const colours = `for i in $(seq 3000); do printf '\\033[1;32mok\\033[0m line %s of many, all of them alike\\n' $i; done`
      writeFileSync(
        file,
        `${colours}; sleep 2; head -c 30000000 /dev/zero | tr '\\0' x | fold -w 100; echo; sleep 3; printf '\\033[31mnearly\\033[0m over\\n'; sleep 1; echo done\n`,
      )
      const approved = vigia.vigia('approve', file, '--yes')
      expect(approved.code, approved.stderr).toBe(0)
      await open(`/run?script=flood-talk&device=${site.device}`)
      await page.getByRole('button', { name: 'Run on 1 device' }).click()
      await page.waitForURL(/\/jobs\//, { timeout: 20_000 })
      const output = page.getByRole('region', { name: 'Output', exact: true })
      await output.getByText('line 3000 of many').waitFor({ timeout: 20_000 })
      const isAtEnd = (): Promise<boolean> =>
        page.evaluate<boolean>(
          `(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight < 40)(
             document.querySelector('.transcript'))`,
        )
      expect(await isAtEnd()).toBe(true)
      // However it is laid out, the end stays in sight; whoever scrolls up stays there.
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 800 })
        await expect.poll(isAtEnd, { timeout: 5000 }).toBe(true)
      }
      await output.evaluate((pre: { scrollTop: number }) => void (pre.scrollTop = 100))
      await page.waitForTimeout(300)
      expect(await isAtEnd()).toBe(false)
      await output.press('End')
      await expect.poll(isAtEnd, { timeout: 5000 }).toBe(true)
      await output.getByText('left out here').first().waitFor({ timeout: 20_000 })
      await page.getByText('faster than it is sent live').waitFor()
      await site.looked('job-flood')
      await page.getByText('Exit code 0').waitFor({ timeout: 20_000 })
      await page.getByText(/^It printed 3\d/).waitFor()
      expect(await output.innerText()).toMatch(/done\s*$/)
      expect(await isAtEnd()).toBe(true)
      await site.looked('job-flood-ended')
      await open('/jobs?find=nearly over')
      await page.getByRole('link', { name: 'flood-talk' }).waitFor({ timeout: 20_000 })
      await page.getByText('«nearly» «over»').waitFor()
      await site.looked('jobs-found')
    },
  )

  it('finds a job by words of its output', { timeout: 60_000 }, async () => {
    const { page } = site
    await open('/jobs?find=three')
    await page.getByRole('link', { name: 'slow-talk' }).waitFor({ timeout: 20_000 })
    expect(await page.getByRole('link', { name: 'device-facts' }).count()).toBe(0)
    await site.looked('jobs')
  })

  it(
    'picks devices in the fleet, keeps them as a view, and takes them to a script',
    { timeout: 60_000 },
    async () => {
      const { page } = site
      await open('/')
      await page.getByRole('checkbox', { name: 'Pick all that are shown' }).check()
      await page.getByText('1 picked').waitFor()
      await page.getByRole('button', { name: 'Save as a view' }).click()
      await page.getByLabel('Name of the view').fill('All of mine')
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      await site.looked('picked')
      await page.getByLabel('View').selectOption({ label: 'All of mine' })
      await page.locator('tbody tr[data-row]').waitFor()
      await page.getByRole('button', { name: 'Run a script on them' }).click()
      await page.waitForURL(/\/run\?devices=/)
      expect(unexpected()).toEqual([])
    },
  )

  it(
    'offers a ticket the script of its article, runs it, and lists the run on the ticket',
    { timeout: 180_000 },
    async () => {
      const { page, vigia } = site
      const file = (name: string, lines: readonly string[]): string => {
        const path = join(vigia.dataDir, name)
        writeFileSync(path, `${lines.join('\n')}\n`)
        return path
      }
      const done = (...args: string[]): void => {
        const ran = vigia.vigia(...args)
        expect(ran.code, ran.stderr).toBe(0)
      }
      const rule = [
        ...['pack: ours', 'version: 1', 'rules:', '  - name: memory-in-use'],
        ...['    title: { en: Memory is in use, es: Hay memoria en uso }', '    owner: service-desk'],
        ...['    severity: warning', '    impact: low', '    tier: L1', '    for: 1s'],
        ...['    signal: { metric: memory.used_percent }', '    threshold: { above: 0.2, clear: 0.1 }'],
        ...['    runbook: Look at it.', '    noRemedy: Somebody is to look at it.'],
      ]
      const article = [
        ...['---', 'title: { en: Look at it, es: Mírelo }', 'rules: [memory-in-use]'],
        ...['remedy: { script: device-facts, parameters: {} }', '---', 'Look.', '--- es', 'Mire.'],
      ]
      done('rules', 'apply', file('ours.yaml', rule))
      done('articles', 'add', file('look-at-it.md', article))
      const ticket = await eventually('a ticket of the rule', 90_000, async () => {
        const { tickets } = await vigia.server.call('tickets', { query: {} })
        return tickets.find(({ title }) => title.en.includes('Memory is in use'))
      })
      await open(`/tickets/${ticket.id}`)
      await page.getByRole('heading', { name: 'Knowledge for this' }).waitFor({ timeout: 20_000 })
      expect(await page.getByRole('heading', { name: 'Run from this ticket' }).count()).toBe(0)
      await page.getByRole('link', { name: 'Run this fix …' }).first().click()
      await page.getByRole('button', { name: 'Run on 1 device' }).click()
      await page.waitForURL(/\/jobs\//, { timeout: 20_000 })
      await page.getByRole('link', { name: 'the ticket' }).click()
      const list = page.locator('section', {
        has: page.getByRole('heading', { name: 'Run from this ticket' }),
      })
      await list.getByRole('link', { name: 'device-facts' }).waitFor({ timeout: 20_000 })
      await list.getByText('ended well').waitFor({ timeout: 20_000 })
      await site.looked('ticket')
      const told = vigia.vigia('ticket', `V-${ticket.number}`)
      expect(told.stdout).toMatch(/Run here: device-facts by ana at .*: succeeded, exit code 0/)
      expect(unexpected()).toEqual([])
    },
  )

  it(
    'lists on the page of a schedule the runs that it made, each with the way there and back',
    { timeout: 120_000 },
    async () => {
      const { page } = site
      await open(schedule)
      const made = page.getByRole('region', { name: 'Runs of this schedule' })
      const first = made.getByRole('row').nth(1)
      await first.getByText('done').waitFor({ timeout: 90_000 })
      await first.getByText('1 of 1 ended').waitFor()
      await site.looked('schedule')
      await page.getByRole('button', { name: 'End the schedule' }).click()
      await page.getByText('Make no more runs?').waitFor()
      await page.getByRole('button', { name: 'Yes' }).click()
      await page.getByText('cancelled', { exact: true }).waitFor()
      await first.getByRole('link').click()
      await page.getByRole('region', { name: 'One row for each device' }).waitFor({ timeout: 20_000 })
      await page.getByRole('link', { name: 'a schedule' }).click()
      await made.waitFor()
      expect(new URL(page.url()).pathname).toBe(schedule)
      expect(unexpected()).toEqual([])
    },
  )

  it('shows knowledge as text, and keeps a secret without ever showing it', { timeout: 60_000 }, async () => {
    const { page } = site
    await open('/articles')
    await page.locator('.article-list a').first().click()
    await page.locator('.prose').waitFor()
    await site.looked('article')
    await open('/secrets')
    await page.getByLabel('Name').fill('backup-password')
    await page.getByLabel('Value').first().fill('hunter2hunter2')
    await page.getByRole('button', { name: 'Store' }).click()
    await page.getByRole('rowheader', { name: 'backup-password' }).waitFor()
    expect(await page.content()).not.toContain('hunter2')
    await site.looked('secrets')
    await page.getByRole('button', { name: 'Forget: backup-password' }).click()
    await page.getByText('Scripts that name it run no more.').waitFor()
    await page.getByRole('button', { name: 'Yes' }).click()
    await page.getByText('There is no secret yet').waitFor()
    expect(unexpected()).toEqual([])
  })
})
