import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { administrator } from '../../../../agent/collect/administrator.ts'
import { antivirus } from '../../../../agent/collect/antivirus.ts'
import { crash } from '../../../../agent/collect/crash.ts'
import { encryption } from '../../../../agent/collect/encryption.ts'
import { firewall } from '../../../../agent/collect/firewall.ts'
import { printQueue } from '../../../../agent/collect/print-queue.ts'
import { scheduledTask } from '../../../../agent/collect/scheduled-task.ts'
import { parseWindowsPosture } from '../../../../agent/collect/source/windows-posture.ts'
import {
  faultsOfGrammar,
  kids,
  loadGrammar,
  parse,
} from '../../../server/script/library/powershell/grammar.ts'
import { machine, watch } from '../machine.ts'
import { windowsAnswer } from '../windows-answer.ts'

const collectors = [administrator, antivirus, crash, encryption, firewall, printQueue, scheduledTask]

describe('what Windows says of its protection', () => {
  it('is asked once for all collectors and shared', async () => {
    const windows = windowsAnswer('windows-11-defender.json')
    const watched = watch(machine(), collectors, windows)
    const read = await watched.run()
    expect(read).toEqual({
      'security.administrators_count': 2,
      'security.admin_added_24h_count': 0,
      'antivirus.product_count': 1,
      'antivirus.running': 1,
      'antivirus.definitions_age_days': 0.62,
      'crash.kernel_24h_count': 1,
      'crash.program_24h_count': 0,
      'encryption.enabled{mount="C:"}': 1,
      'encryption.enabled{mount="D:"}': 0,
      'firewall.enabled': 0,
      'print.spooler_up': 0,
      'print.queue_count': 2,
      'print.oldest_job_seconds': 7300.25,
      'security.tasks_added_24h_count': 0,
    })
    expect(windows.asked()).toBe(1)
    await watched.run(900)
    expect(windows.asked()).toBe(1)
    await watched.run(3600)
    expect(windows.asked()).toBe(2)
  })

  it('is unavailable, never zero, where a part is not there or PowerShell does not answer', async () => {
    expect(Object.values(parseWindowsPosture('{}')).every((value) => value === undefined)).toBe(true)
    const silent = watch(machine(), collectors, {
      platform: 'win32',
      program: () => Promise.resolve({ exitCode: 1, stdout: '', stderr: 'no', error: undefined }),
    })
    expect(Object.values(await silent.run()).filter((value) => value !== null)).toEqual([])
    expect(silent.failed()).toEqual([])
  })

  it('is asked for in UTF-8, and comes past the pipeline, whose end would break it at the width of the console', async () => {
    let script = ''
    const silent = watch(machine(), [firewall], {
      platform: 'win32',
      program: (_file, args) => {
        script = Buffer.from(args.at(-1)!, 'base64').toString('utf16le')
        return Promise.resolve({ exitCode: 1, stdout: '', stderr: '', error: undefined })
      },
    })
    await silent.run()
    await loadGrammar()
    expect(faultsOfGrammar(script)).toEqual([])
    const printed = kids(kids(parse(script))[0]!).at(-1)!.text
    expect(script).toContain('[Console]::OutputEncoding=[Text.Encoding]::UTF8')
    expect(printed).toMatch(/^\[Console\]::Out\.WriteLine\(/)
  })

  it('stands in fixtures that are what they seem', () => {
    const text = readFileSync(
      new URL('../../../fixtures/agent/windows/windows-11-another-antivirus.json', import.meta.url),
      'utf8',
    )
    expect(parseWindowsPosture(text).antivirus).toEqual([
      { name: 'Windows Defender', running: false },
      { name: 'ESET Security', running: true },
    ])
  })
})
