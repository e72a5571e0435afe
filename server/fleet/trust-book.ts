import type { Clock } from '../../contract/clock.ts'
import { ROOT_TYPE, type DsseEnvelope } from '../../contract/trust/dsse.ts'
import { asVigiaError, VigiaError } from '../../contract/errors.ts'
import { followRoot, rootFaults, signersOf, type SignatureTools } from '../../contract/trust/chain.ts'
import type { TrustRoot } from '../../contract/trust/root.ts'
import type { HealthProbe } from '../observe/health.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json } from '../records/schema.ts'
import { openFirstRoot, rootText, type RootText } from './trust.ts'
import { differences, firstRoot, mendedRoot, needsOfServer, type TrustConfiguration } from './trust-wanted.ts'

/** The trust root in force and those before it. The server keeps and hands them on; it can sign none. */
export type Trust = Readonly<RootText> & {
  /** The root in force with what this server needs in it, version and all else as they are: to make the next from. */
  wanted(): TrustRoot
  /** What a device with this version lacks, in order, as much as one message takes; empty when it lacks nothing. */
  after(version: number): DsseEnvelope[]
  /**
   * Puts the next root in force. Throws TRUST_THRESHOLD with who is missing, TRUST_INVALID, and CONFLICT when another
   * one of its version was faster. The same root again changes nothing.
   */
  apply(envelope: DsseEnvelope, who: string): Promise<{ version: number; pin: string; fresh: boolean }>
  /** Devices by the version that they said they have pinned. */
  pinned(): Promise<{ version: number; devices: number }[]>
  health: HealthProbe
}

/** Roots of one message to a device: its frame and the other end's bound are larger. */
const MESSAGE_BYTES = 600_000
const MESSAGE_ROOTS = 16
const MEND =
  'mend it with "vigia trust draft --from-server --out next.json", "vigia trust sign next.json", "vigia trust apply next.json"'

/**
 * Opens the first root and the chain in the records, each step checked as devices check it; at one that does not hold
 * the chain ends, and health says so. Throws DATA_UNREADABLE.
 */
export async function openTrust(options: {
  records: Records
  clock: Clock
  file: string
  configuration: TrustConfiguration
  signatures: SignatureTools
  /** Enters a deed into the audit chain, inside the transaction that does it. */
  note: (
    db: Db,
    entry: { who: string; action: string; client: null; subject: string; detail: unknown },
  ) => Promise<unknown>
}): Promise<Trust> {
  const { records, clock, configuration, signatures } = options
  const first = firstRoot(configuration)
  const faults = rootFaults(first, signatures).filter(({ field }) => field !== 'caPem')
  if (faults.length > 0)
    throw new VigiaError('CONFIG_INVALID', 'The approvers of the configuration cannot be', { faults })
  const known = await records.operator(readKnown)
  const chain: { version: number; envelope: DsseEnvelope }[] = []
  let current = openFirstRoot({
    file: options.file,
    wanted: first,
    pinnedByDevices: known.devices > 0 || known.roots.length > 0,
  })
  let broken: string | undefined
  for (const { version, envelope } of known.roots) {
    try {
      current = rootText(followRoot(current.root, envelope, signatures).text)
      chain.push({ version: current.root.version, envelope })
    } catch (thrown) {
      broken = `root ${String(version)} in the records does not follow (${asVigiaError(thrown).message}); restore the records from a backup`
      break
    }
  }

  return {
    get root() {
      return current.root
    },
    get text() {
      return current.text
    },
    get pin() {
      return current.pin
    },
    wanted: () => mendedRoot(current.root, configuration),
    after(version) {
      const lacking = chain.filter((each) => each.version > version)
      // One that has pinned what was before the first root of the chain cannot be led here.
      if (lacking[0] === undefined || lacking[0].version !== version + 1) return []
      const fitting: DsseEnvelope[] = []
      let bytes = 0
      for (const { envelope } of lacking.slice(0, MESSAGE_ROOTS)) {
        bytes += JSON.stringify(envelope).length
        if (fitting.length > 0 && bytes > MESSAGE_BYTES) break
        fitting.push(envelope)
      }
      return fitting
    },
    async apply(envelope, who) {
      if (Buffer.from(envelope.payload, 'base64').toString('utf8') === current.text)
        return { version: current.root.version, pin: current.pin, fresh: false }
      const before = current
      const next = rootText(followRoot(before.root, envelope, signatures).text)
      const faults = needsOfServer(next.root, configuration)
      if (faults.length > 0) throw new VigiaError('TRUST_INVALID', faults.join('; '))
      const whole = withKnownSignatures(envelope, before.root, next.root, signatures)
      await records.operator(async (db) => {
        const { version } = next.root
        // Whatever stands there at this version or after it did not hold when the chain was read.
        if (broken !== undefined) await db.deleteFrom('trust_root').where('version', '>=', version).execute()
        const stored = await db
          .insertInto('trust_root')
          .values({ version, envelope: json(whole), applied_at: at(clock()), applied_by: who })
          .onConflict((conflict) => conflict.doNothing())
          .returning('version')
          .executeTakeFirst()
        if (stored === undefined)
          throw new VigiaError('CONFLICT', `another root of version ${String(version)} was put in force`)
        const detail = { version, pin: next.pin, keys: whole.signatures.map(({ keyid }) => keyid) }
        await options.note(db, { who, action: 'trust.apply', client: null, subject: next.pin, detail })
      })
      broken = undefined
      current = next
      chain.push({ version: next.root.version, envelope: whole })
      return { version: next.root.version, pin: next.pin, fresh: true }
    },
    pinned: () => records.operator(readPinned),
    health: {
      name: 'trust',
      async probe() {
        const faults = [
          ...(broken === undefined ? [] : [broken]),
          ...differences(current.root, configuration).map((difference) => `${difference}; ${MEND}`),
        ]
        if (faults.length > 0) return { state: 'degraded', message: faults.join('. ') }
        const { version, approvers } = current.root
        // Told, not judged: one device that lies must not make the server look ill.
        const pinned = await records.operator(readPinned)
        const ahead = pinned.reduce((sum, each) => sum + (each.version > version ? each.devices : 0), 0)
        const older = ahead > 0 ? `; ${String(ahead)} devices say that they have a newer one` : ''
        const alone = approvers.keys.every(({ publicKey }) => publicKey === configuration.project.publicKey)
        return {
          state: 'ok',
          message: alone
            ? `root ${String(version)}: nobody but the project can approve; give "trust.approvers" in vigia.yaml before the first device is enrolled`
            : `root ${String(version)}, approvers: ${String(approvers.keys.length)}${older}`,
        }
      },
    },
  }
}

async function readKnown(
  db: Db,
): Promise<{ devices: number; roots: { version: number; envelope: DsseEnvelope }[] }> {
  const roots = await db.selectFrom('trust_root').select(['version', 'envelope']).orderBy('version').execute()
  const { devices } = await db
    .selectFrom('device')
    .select((each) => each.fn.countAll<string>().as('devices'))
    .executeTakeFirstOrThrow()
  return { devices: Number(devices), roots }
}

async function readPinned(db: Db): Promise<{ version: number; devices: number }[]> {
  const rows = await db
    .selectFrom('device')
    .select((each) => ['trust_version', each.fn.countAll<string>().as('devices')])
    .where('revoked_at', 'is', null)
    .groupBy('trust_version')
    .orderBy('trust_version')
    .execute()
  return rows.flatMap(({ trust_version: version, devices }) =>
    version === null ? [] : [{ version, devices: Number(devices) }],
  )
}

/** What approvers of either root signed, each once: what else came with it is nobody's proof. */
function withKnownSignatures(
  envelope: DsseEnvelope,
  before: TrustRoot,
  next: TrustRoot,
  tools: SignatureTools,
): DsseEnvelope {
  const keys = [...before.approvers.keys, ...next.approvers.keys]
  const kept = new Map<string, DsseEnvelope['signatures'][number]>()
  for (const signature of envelope.signatures)
    if (signersOf({ ...envelope, signatures: [signature] }, ROOT_TYPE, keys, tools).good.length > 0)
      kept.set(signature.keyid, signature)
  return { ...envelope, signatures: [...kept.values()] }
}
