import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_CODES } from '../../contract/errors.ts'
import { ruleReference } from './rule-reference.ts'
import { scriptReference } from './script-reference.ts'
import { ROOT } from './sources.ts'

/** The text of docs/reference/errors.md, made from the table of codes. `node test/support/reference.ts` writes it. */
export function errorReference(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, row]) => `| \`${code}\` | ${row.retry} | ${row.http} | ${row.exit} | ${row.next} |`,
  )
  return [
    '# Error codes',
    '',
    'Made from `contract/errors.ts` by `npm run reference`. *Retry* says what a loop does: again (transient), never',
    '(permanent), or look first (ambiguous). *Exit* is the exit code of the `vigia` command; 0 is success.',
    '',
    '| Code | Retry | HTTP | Exit | What mends it |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

if (process.argv[1] === import.meta.filename) {
  mkdirSync(join(ROOT, 'docs/reference'), { recursive: true })
  writeFileSync(join(ROOT, 'docs/reference/errors.md'), errorReference())
  writeFileSync(join(ROOT, 'docs/reference/scripts.md'), scriptReference())
  writeFileSync(join(ROOT, 'docs/reference/rules.md'), ruleReference())
}
