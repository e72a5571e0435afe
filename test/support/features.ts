import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './sources.ts'

/** A line of the README's feature table: what it promises and the test that shows it. */
export type Feature = { promise: string; file: string; test: string }

/** Reads the feature table: rows of the form `| promise | [title of the test](test/path.test.ts) |`. */
export function featuresOfReadme(): Feature[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  return [...readme.matchAll(/^\| (.+?) +\| \[(.+?)\]\((test\/[^)]+)\) +\|$/gm)].map(
    ([, promise, test, file]) => ({ promise: promise ?? '', test: test ?? '', file: file ?? '' }),
  )
}
