import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enrolDevice } from '../../agent/enrol.ts'
import { startAgentProcess } from '../agent/agent-process.ts'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'

const HOUR_MS = 3_600_000

/** Machines whose clocks are wrong are the ones that need help; their clocks cannot be a reason to refuse it. */
describe('a device whose clock is wrong', () => {
  let vigia: Installation
  let folder: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-clock-'))
    vigia = await createInstallation()
    await vigia.start()
  }, 120_000)
  afterAll(async () => {
    await vigia?.remove()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }, 60_000)

  it.each([
    ['three hours behind', -3 * HOUR_MS],
    ['three hours ahead', 3 * HOUR_MS],
  ])(
    '%s carries out what it is ordered',
    async (name, byMs) => {
      const at = join(folder, name)
      const { token } = await vigia.server.call('createEnrolToken', { body: { client: 'demo' } })
      const { device } = await enrolDevice({
        ...{ serverUrl: vigia.url, token, dataDir: at, machineId: null, hostname: name.replaceAll(' ', '-') },
      })
      const shifted = join(folder, `${name}.mjs`)
      writeFileSync(shifted, `const now = Date.now\nDate.now = () => now() + ${String(byMs)}\n`)
      const agent = startAgentProcess(at, { NODE_OPTIONS: `--import="${shifted}"` })
      try {
        await eventually('the agent', 60_000, async () => {
          const view = await vigia.server.call('device', { params: { device } })
          return view.device.online
        })
        const ordered = await vigia.server.call('createJob', {
          body: { device, script: 'device-facts', parameters: {} },
        })
        const end = await eventually('the end', 60_000, async () => {
          const job = await vigia.server.call('job', { params: { id: ordered.id } })
          return !['pending', 'sent', 'running'].includes(job.state) && job
        })
        expect(end).toMatchObject({ state: 'succeeded', exitCode: 0 })
      } finally {
        agent.child.kill('SIGTERM')
        await agent.exited
      }
    },
    120_000,
  )
})
