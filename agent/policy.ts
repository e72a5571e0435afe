import { existsSync, readFileSync } from 'node:fs'
import type { DevicePolicy } from '../contract/down.ts'
import { asVigiaError } from '../contract/errors.ts'
import { parsePolicy } from './link/down.ts'
import type { Log } from './log.ts'
import { writeWhole } from './outbox/layouts.ts'

/** What a device watches until its server says otherwise: DEFAULT_POLICY of the contract, whose module loads zod. */
export const FIRST_POLICY: DevicePolicy = {
  version: 0,
  intervalS: 30,
  collectorIntervalS: {},
  services: [],
  includeMounts: [],
  certificates: [],
}

/** The policy that the server gave last; the first one when there is none that can be read. */
export function readPolicy(path: string, log: Log): DevicePolicy {
  if (!existsSync(path)) return FIRST_POLICY
  try {
    const policy = parsePolicy(JSON.parse(readFileSync(path, 'utf8')))
    if (policy) return policy
    log.warn('the kept policy is none of the contract; the first one holds until the server sends another', {
      path,
    })
  } catch (thrown) {
    log.warn('the kept policy cannot be read; the first one holds until the server sends another', {
      path,
      error: asVigiaError(thrown).message,
    })
  }
  return FIRST_POLICY
}

/** Keeps a policy for the next start. The server sends it anew with each session, so a fault is only logged. */
export function writePolicy(path: string, policy: DevicePolicy, log: Log): void {
  try {
    writeWhole(path, JSON.stringify(policy))
  } catch (thrown) {
    log.warn('the policy could not be kept', { path, error: asVigiaError(thrown).message })
  }
}
