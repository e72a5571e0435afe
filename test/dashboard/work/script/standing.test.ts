import { describe, expect, it } from 'vitest'
import {
  addressOf,
  chosenScript,
  mayRun,
  refusedScript,
  type Listed,
} from '../../../../dashboard/work/script/standing.ts'

type Over = Partial<Pick<Listed, 'anywhere' | 'lacking' | 'revoked' | 'expired'>> & { version?: number }

function listed({ version = 1, ...over }: Over = {}): Listed {
  return {
    digest: `digest-${version}`,
    ...{ approvedBy: [], approvedAtMs: 0, anywhere: true, lacking: 0, revoked: false, expired: false },
    content: {
      ...{ name: 'tidy', version, title: 'Tidy', description: '', kind: 'library', devices: null },
      ...{ category: 'general', interpreter: 'sh', systems: ['linux'], privilege: 'user', parameters: {} },
      ...{ timeoutS: 5, idempotent: true, dryRun: false, changes: '', successCodes: [0], exitCodes: {} },
      ...{ outputs: {}, limits: { memoryMb: 16, processes: 1, writtenMb: 1 } },
    },
    ...over,
  }
}

describe('a version of a script', () => {
  it('may be ordered with its approvals, as long as it is not withdrawn and they are not over', () => {
    expect(mayRun(listed())).toBe(true)
    expect(mayRun(listed({ anywhere: false }))).toBe(true)
    expect(mayRun(listed({ anywhere: false, lacking: 1 }))).toBe(false)
    expect(mayRun(listed({ revoked: true }))).toBe(false)
    expect(mayRun(listed({ expired: true }))).toBe(false)
  })

  it('that a name means is the one that runs anywhere, not a newer one that waits or runs on some', () => {
    const waiting = listed({ version: 4, anywhere: false, lacking: 1 })
    const narrow = listed({ version: 3, anywhere: false })
    const anywhere = listed({ version: 2 })
    expect(chosenScript([waiting, narrow, anywhere], 'tidy')).toBe(anywhere)
    expect(chosenScript([waiting, narrow], 'tidy')).toBe(narrow)
    expect(chosenScript([waiting], 'tidy')).toBeUndefined()
    expect(chosenScript([waiting, narrow, anywhere], 'digest-3')).toBe(narrow)
    expect(chosenScript([waiting], 'digest-4')).toBeUndefined()
    expect(refusedScript([waiting, narrow], 'tidy')).toBeUndefined()
    expect(refusedScript([waiting], 'tidy')).toBe(waiting)
    expect(refusedScript([waiting, narrow], 'digest-4')).toBe(waiting)
    expect(refusedScript([waiting], 'other')).toBeUndefined()
    expect([waiting, narrow, anywhere].map(addressOf)).toEqual(['digest-4', 'digest-3', 'tidy'])
  })
})
