import { existsSync, readFileSync } from 'node:fs'
import type { DownMessage } from '../../contract/down.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { TrustRoot } from '../../contract/trust/root.ts'
import { agentPaths } from '../paths.ts'
import type { Hello } from '../server-time.ts'
import { isInLedger, readLedger, recentOrders } from './ledger.ts'
import { momentNow } from './moment.ts'
import { thisSystem } from './system.ts'
import { verifyCommand, type Accepted } from './verify.ts'

/** A command as it came, the session in which it came, and the device that it came to. */
export type Arrived = Pick<Extract<DownMessage, { type: 'command' }>, 'order' | 'script' | 'secrets'> & {
  challenge: string
  hellos: readonly Hello[]
  address: DeviceAddress
  dataDir: string
}

/** Checks a command against what lies on this device's disk: trust root, ledger, kill switch. Throws as verifyCommand does. */
export function admit(arrived: Arrived, nowMs: number): Accepted {
  const paths = agentPaths(arrived.dataDir)
  const ledger = readLedger(paths.jobs)
  return verifyCommand({
    ...arrived,
    nowMs,
    trust: TrustRoot.parse(JSON.parse(readFileSync(paths.trust, 'utf8'))),
    system: thisSystem(),
    lastSequence: ledger.at(-1)?.sequence ?? 0,
    seen: (job) => isInLedger(paths.jobs, job),
    recent: (moment) => recentOrders(ledger, momentNow(moment)),
    disabled: existsSync(paths.killSwitch),
  })
}
