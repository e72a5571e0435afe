import type { Clock } from '../../contract/clock.ts'
import type { Records } from '../records/records.ts'
import { createPasskeys, type Passkeys } from './passkeys.ts'
import type { Note } from './note.ts'
import { createSecondFactors, type Box, type SecondFactors } from './second-factor.ts'
import { createThrottle } from './throttle.ts'

/** Both kinds of second factor; they share what slows guessing of passwords down. */
export type Factors = { secondFactors: SecondFactors; passkeys: Passkeys }

/** Second factors over the records: authenticator application with recovery codes, and passkeys. */
export function createFactors(ports: { records: Records; clock: Clock; box: Box; note: Note }): Factors {
  const passwords = createThrottle({ freeFailures: 10, longestWaitMs: 60_000 })
  return {
    secondFactors: createSecondFactors({ ...ports, passwords }),
    passkeys: createPasskeys({ ...ports, passwords }),
  }
}
