import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contents, runAsync } from './run-script.ts'

/** Whatever a value holds, it stays a value: nothing of it is run, and no file appears. */
describe('hostile values', () => {
  const own = [...contents.values()].filter(
    ({ systems, parameters }) =>
      (systems.includes('linux') || systems.includes('macos')) &&
      Object.values(parameters).some(({ type }) => type === 'string'),
  )
  it.each(own.map(({ name }) => name))(
    '%s runs nothing of them',
    async (name) => {
      const cwd = mkdtempSync(join(tmpdir(), 'vigia-hostile-'))
      for (const hostile of [
        '$(touch pwned)',
        '"; touch pwned; `touch pwned` | \'touch pwned',
        'a[$(touch pwned)]',
      ]) {
        const values = Object.fromEntries(
          Object.entries(contents.get(name)!.parameters).map(([key, parameter]) => [
            key,
            parameter.type === 'string' ? hostile : 'default' in parameter ? parameter.default! : 1,
          ]),
        )
        // Nothing that would change the machine can be reached with these: the tools are stand-ins that fail.
        const tools = Object.fromEntries(
          ['shutdown', 'ufw', 'docker', 'loginctl', 'cancel', 'certbot'].map((tool) => [tool, 'exit 1']),
        )
        const ran = await runAsync(name, values, {
          cwd,
          tools,
          unchecked: true,
          env: { VIGIA_AGENT_DATA: cwd },
        })
        expect(existsSync(join(cwd, 'pwned')), `${name}: ${hostile}`).toBe(false)
        expect(ran.stdout).not.toContain('\u001b')
      }
      rmSync(cwd, { recursive: true })
    },
    60_000,
  )
})
