import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sealSecret } from '../../../server/secret/seal.ts'
import { createBench, type Bench } from './harness.ts'

const VALUE = 'correct horse "battery" staple'
const PARAMETERS = { token: { type: 'secret' as const, help: '' } }
let bench: Bench
beforeEach(() => void (bench = createBench()))
afterEach(() => bench.close())

const run = (body: string, sealFor?: string) => {
  const job = crypto.randomUUID()
  const { sealed, sha256 } = sealSecret({
    sealKey: sealFor ?? bench.executor.sealKey(),
    job,
    parameter: 'token',
    value: VALUE,
  })
  const order = { job, parameters: { token: 'backup-token' }, secrets: { token: sha256 } }
  return bench.run(body, { parameters: PARAMETERS }, order, { token: sealed })
}

describe('a secret of a job', () => {
  it('reaches the script in its environment alone, and is in nothing that leaves the device or stays on it', async () => {
    const result = await run(
      `[ "$VIGIA_SECRET_TOKEN" = '${VALUE}' ] && echo same; tr '\\0' '\\n' < /proc/$$/cmdline; ` +
        'echo "VIGIA_FIELD token=$VIGIA_SECRET_TOKEN"; echo "$VIGIA_SECRET_TOKEN" >&2; ' +
        'printf %s "$VIGIA_SECRET_TOKEN" | head -c 9; sleep 0.4; printf %s "$VIGIA_SECRET_TOKEN" | tail -c +10',
    )
    expect(result).toMatchObject({
      exitCode: 0,
      fields: { token: '******' },
      stderr: '******\n',
    })
    expect(result.stdout.startsWith('same\n')).toBe(true)
    expect(result.stdout.endsWith('VIGIA_FIELD token=******\n******')).toBe(true)
    expect(result.transcript.length).toBeGreaterThan(0)
    const left = readdirSync(bench.dataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    for (const word of ['battery', 'staple'])
      expect(JSON.stringify([bench.output, result, left])).not.toContain(word)
    expect(bench.output.map(({ text }) => text).join('')).toContain('******')
  })

  it('that was not sealed for this device is refused, and nothing runs', async () => {
    const other = createBench()
    const result = await run('echo ran', other.executor.sealKey())
    await other.close()
    expect(result).toMatchObject({ outcome: 'refused', code: 'SECRET_UNSEALED', stdout: '' })
  })
})
