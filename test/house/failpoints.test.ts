import { describe, expect, it } from 'vitest'
import { AGENT_FAILPOINTS } from '../../agent/failpoint.ts'
import { SERVER_FAILPOINTS } from '../../server/observe/failpoint.ts'
import { readSources } from '../support/sources.ts'

describe('places at which a test may end a process', () => {
  it.each([
    ['agent', AGENT_FAILPOINTS],
    ['server', SERVER_FAILPOINTS],
  ] as const)('are each passed in one place of the %s', (folder, names) => {
    const text = readSources([folder])
      .map((source) => source.text)
      .join('\n')
    const passed = [...text.matchAll(/failpoint\('([a-z-]+)'\)/g)].map(([, name]) => name)
    expect(passed.toSorted()).toEqual(names.toSorted())
  })
})
