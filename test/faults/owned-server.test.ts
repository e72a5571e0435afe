import { describe, expect, it } from 'vitest'
import { run } from '../bench/owned-server.ts'

describe('who owns broker, records, authority and the online key', () => {
  it('executes nothing that no approver allowed, in some thousand tries of every kind, some against a real agent', async () => {
    const figures = await run(['--tries', '1800', '--real', '34'])
    expect(figures).toMatchObject({ tried: 1834, executed: 0, againstRealAgent: 34, controlsRefused: 0 })
    expect(Object.keys(figures.byKind)).toHaveLength(19 + 18)
    expect(figures.controls).toBeGreaterThan(20)
    // What is allowed is held to the device's own limits.
    expect(figures.allowed).toEqual({ tried: 200, ran: 25, limit: 25 })
  }, 240_000)

  it('would be seen if it could: under a root that trusts the attacker things run', async () => {
    const figures = await run(['--tries', '360', '--real', '0', '--weak'])
    expect(figures.executed).toBeGreaterThan(20)
  }, 60_000)
})
