import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadTicketKeys } from '../../../server/broker/ticket-keys.ts'

describe('ticket keys', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'vigia-ticket-'))
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('are made once, readable by their owner only, and kept', async () => {
    const path = join(directory, 'keys', 'ticket.key')
    const [first, second] = await Promise.all([loadTicketKeys(path), loadTicketKeys(path)])
    expect(first).toHaveLength(48)
    expect(second).toEqual(first)
    expect(await loadTicketKeys(path)).toEqual(first)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('are refused when damaged', async () => {
    const path = join(directory, 'ticket.key')
    writeFileSync(path, 'short')
    await expect(loadTicketKeys(path)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' })
    await expect(loadTicketKeys(join(path, 'below'))).rejects.toMatchObject({ code: 'DATA_UNREADABLE' })
  })
})
