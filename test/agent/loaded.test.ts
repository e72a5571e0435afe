import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const entry = join(import.meta.dirname, '../../agent/run.ts')
const program = `
import { registerHooks } from 'node:module'
const urls = []
registerHooks({ load(url, context, next) { urls.push(url); return next(url, context) } })
await import(process.argv[1])
console.log(JSON.stringify(urls))
process.exit()
`

describe('the running agent', () => {
  it('loads none of what is only for its short-lived children', () => {
    const told = execFileSync(process.execPath, ['--input-type=module', '-e', program, entry], {
      encoding: 'utf8',
    })
    const urls = JSON.parse(told) as string[]
    expect(urls.filter((url) => url.includes('/agent/')).length).toBeGreaterThan(30)
    const heavy =
      /node_modules\/(zod|@peculiar|systeminformation|pino)|contract\/(command|down|dsse|enrol)\.ts|act\/(runner|verify|process)\.ts/
    expect(urls.filter((url) => heavy.test(url))).toEqual([])
  })
})
