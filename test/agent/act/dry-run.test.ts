import { afterEach, beforeEach, expect, it } from 'vitest'
import { createBench, type Bench } from './harness.ts'

let bench: Bench
beforeEach(() => void (bench = createBench()))
afterEach(() => bench.close())

it('a dry run is told to the script, and nothing else is', async () => {
  const body = 'echo "dry ${VIGIA_DRY_RUN:-no}"'
  expect(await bench.run(body, { dryRun: true }, { dryRun: true })).toMatchObject({ stdout: 'dry 1\n' })
  expect(await bench.run(body, { dryRun: true })).toMatchObject({ stdout: 'dry no\n' })
  expect(await bench.run(body, {}, { dryRun: true })).toMatchObject({ code: 'SCRIPT_NO_DRY_RUN' })
})
