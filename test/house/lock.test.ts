import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from '../support/sources.ts'

type Lock = { packages: Record<string, { version?: string; resolved?: string; link?: boolean }> }

it('names a version for every package of the lock, also those of other systems, and no host', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
  const all = Object.entries(packages).filter(([path]) => path !== '')
  expect(all.length).toBeGreaterThan(300)
  // npm ci stops with "Invalid Version" at an entry without one.
  expect(all.filter(([, { version, link }]) => version === undefined && link !== true)).toEqual([])
  expect(all.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
})
