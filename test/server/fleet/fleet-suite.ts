import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { ENROL_TOKEN, type EnrolRequest } from '../../../contract/enrol.ts'
import { openAuthority } from '../../../server/fleet/ca.ts'
import { createClients } from '../../../server/fleet/clients.ts'
import { createEnrolment, type Enrolment } from '../../../server/fleet/enrol.ts'
import { openFirstRoot, openOrderKey, trustedKey } from '../../../server/fleet/trust.ts'
import { firstRoot } from '../../../server/fleet/trust-wanted.ts'
import { testRecords } from '../records/clusters.ts'
import { newRequest } from './request.ts'

/** When each test begins. */
export const START_MS = 1_760_000_000_000
export const MINUTE_MS = 60_000

/** A suite on records of its own with two clients, acme and bravo, and no device when a test begins. */
export function fleetSuite() {
  let on: Awaited<ReturnType<typeof testRecords>>
  let directory: string
  let enrolment: Enrolment
  let pin: string
  let nowMs = START_MS
  const clock = (): number => nowMs
  let csrPem: string

  beforeAll(async () => {
    csrPem = (await newRequest()).csrPem
    on = await testRecords()
    directory = mkdtempSync(join(tmpdir(), 'vigia-fleet-'))
    const authority = await openAuthority({ directory: join(directory, 'ca'), names: [], clock })
    const trust = openFirstRoot({
      file: join(directory, 'trust.json'),
      pinnedByDevices: false,
      wanted: firstRoot({
        people: [trustedKey(generateKeyPairSync('ed25519').publicKey, 'Ana')],
        project: trustedKey(generateKeyPairSync('ed25519').publicKey, 'project'),
        orderer: openOrderKey(join(directory, 'keys')).trusted,
        caPem: authority.caPem,
      }),
    })
    pin = trust.pin
    const mqttUrl = 'mqtts://127.0.0.1:8883'
    enrolment = createEnrolment({ records: on.records, clock, authority, trust, mqttUrl })
  })
  afterAll(async () => {
    await on.close()
    rmSync(directory, { recursive: true })
  })
  beforeEach(async () => {
    nowMs = START_MS
    const tables = [
      'presence',
      'maintenance_window',
      'device_fact',
      'device_layout',
      'enrol_token',
      'device',
      'client',
    ]
    await on.records.operator(async (db) => {
      for (const table of tables) await db.deleteFrom(table as 'client').execute()
    })
    await createClients({ records: on.records, clock }).create('acme', 'Acme')
    await createClients({ records: on.records, clock }).create('bravo', 'Bravo')
  })

  async function request(client = 'acme', machineId: string | null = 'a'.repeat(64)): Promise<EnrolRequest> {
    const { token } = await enrolment.createToken({ client, ttlMs: 60 * MINUTE_MS })
    const [, tokenId, tokenSecret] = ENROL_TOKEN.exec(token)!
    return {
      tokenId: tokenId!,
      tokenSecret: tokenSecret!,
      csrPem,
      hostname: 'pc',
      os: 'linux',
      arch: 'x64',
      machineId,
    }
  }
  const device = async (
    client = 'acme',
    machineId: string | null = null,
  ): Promise<{ client: string; device: string }> => {
    const { answer } = await enrolment.enrol(await request(client, machineId))
    return { client, device: answer.device }
  }

  return {
    records: () => on.records,
    enrolment: () => enrolment,
    /** What enrolment tokens pin. */
    pin: () => pin,
    clock,
    advance: (byMs: number): void => void (nowMs += byMs),
    ...{ request, device },
  }
}
