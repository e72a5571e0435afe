import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildConsole } from '../../cli/start/console-build.ts'
import { featuresOfReadme } from './features.ts'
import { ROOT } from './sources.ts'

type Result = {
  numPassedTests: number
  numFailedTests: number
  testResults: {
    name: string
    status: string
    message?: string
    assertionResults: { fullName: string; ancestorTitles: string[]; title: string; status: string }[]
  }[]
}

// `npm test`: runs vitest, says plainly what was skipped and why, holds the README's feature table to the results,
// and ends with one line that a machine can read. Arguments go on to vitest.
// Once, before several installations of the tests would each do it.
buildConsole((text) => console.log(text))
const folder = mkdtempSync(join(tmpdir(), 'vigia-test-'))
const output = join(folder, 'result.json')
const selected = process.argv.slice(2)
const run = spawnSync(
  process.execPath,
  [
    join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${output}`,
    ...selected,
  ],
  { stdio: 'inherit', cwd: ROOT },
)
if (!existsSync(output)) {
  // Somebody ended it, or it broke down: what it had found until then is not known.
  console.log(`\nvitest ended without a result (${run.signal ?? `exit code ${run.status}`})`)
  console.log('\n0 passed, 1 failed')
  rmSync(folder, { recursive: true })
  process.exit(1)
}
const result = JSON.parse(readFileSync(output, 'utf8')) as Result
rmSync(folder, { recursive: true })

const tests = result.testResults.flatMap((file) =>
  file.assertionResults.map((test) => ({ ...test, file: file.name.slice(ROOT.length + 1) })),
)
const skipped = [
  ...new Set(
    tests
      .filter((test) => test.status === 'pending' || test.status === 'skipped')
      .map((test) => `${test.file}: ${test.ancestorTitles.join(' › ') || test.title}`),
  ),
]
const unproven =
  selected.length > 0
    ? []
    : featuresOfReadme().filter(
        (feature) => !tests.some((test) => test.status === 'passed' && test.fullName.includes(feature.test)),
      )
const brokenFiles = result.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
)

if (skipped.length > 0)
  console.log(
    `\nSkipped suites (each title says what is missing):\n${skipped.map((line) => `  ${line}`).join('\n')}`,
  )
if (unproven.length > 0)
  console.log(
    `\nFeatures of the README whose test did not pass:\n${unproven.map((feature) => `  ${feature.file}: ${feature.test}`).join('\n')}`,
  )
const needsAll = process.env['CI'] === 'true' && selected.length === 0
const lateFailures = brokenFiles.length + (needsAll ? skipped.length + unproven.length : 0)
console.log(`\n${result.numPassedTests} passed, ${result.numFailedTests + lateFailures} failed`)
process.exit(run.status === 0 && lateFailures === 0 ? 0 : 1)
