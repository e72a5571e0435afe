import { join } from 'node:path'
import type { Clock } from '../../contract/clock.ts'
import { REMOTE_TYPE } from '../../contract/remote/session.ts'
import type { LiveEvent } from '../../contract/views.ts'
import type { TrustRoot } from '../../contract/trust/root.ts'
import { wasRemoved } from '../access/former.ts'
import type { Audit } from '../audit/audit.ts'
import type { Broker } from '../broker/broker.ts'
import type { OrderKey } from '../fleet/trust.ts'
import type { LiveState } from '../live-state.ts'
import type { Logger } from '../observe/log.ts'
import type { Records } from '../records/records.ts'
import { killSwitch } from '../remediation/settings.ts'
import type { Remote, RemotePorts } from '../remote/ports.ts'
import { createRemote } from '../remote/sessions.ts'
import { seal } from '../script/sign.ts'
import { signersOf } from '../script/verify.ts'

/** Remote sessions, with the online key that countersigns them. */
export function openRemoteParts(parts: {
  records: Records
  clock: Clock
  log: Logger
  dataDir: string
  keptDays: number
  audit: Audit
  emit: (event: LiveEvent) => void
  broker: Broker
  liveState: LiveState
  trust: { readonly root: TrustRoot }
  orderKey: OrderKey
  hostile: RemotePorts['hostile']
}): Promise<Remote> {
  const { records, audit, broker, liveState, trust, orderKey } = parts
  return createRemote({
    ...parts,
    directory: join(parts.dataDir, 'recordings'),
    keptMs: parts.keptDays * 86_400_000,
    note: (db, entry) => audit.appendIn(db, entry),
    changed: (id) => parts.emit({ type: 'remote', id }),
    send: (address, message) => broker.send(address, message),
    hello: (device) => liveState.of(device)?.hello,
    signers: (envelope) =>
      envelope.payloadType === REMOTE_TYPE ? signersOf(envelope, trust.root.technicians.keys) : [],
    countersign(envelope) {
      const payload = Buffer.from(envelope.payload, 'base64')
      const own = seal(REMOTE_TYPE, payload, [{ ...orderKey.trusted, privateKey: orderKey.privateKey }])
      return { ...envelope, signatures: [...envelope.signatures.slice(0, 15), ...own.signatures] }
    },
    removed: wasRemoved,
    async switchedOff() {
      const off = await records.operator(killSwitch)
      return off && `commands are switched off: ${off.reason}`
    },
  })
}
