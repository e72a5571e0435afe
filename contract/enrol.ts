import * as z from 'zod'
import { ClientId, DeviceId } from './ids.ts'

/**
 * An enrolment token as a person carries it: `vigia1.ID.SECRET.PIN`, where ID (16 hexadecimal digits) and SECRET
 * (43 base64url characters, 256 bits) admit one device once until it expires, and PIN (64 hexadecimal digits) is
 * the SHA-256 of the trust root's JSON text, so that a device can tell its server from another.
 */
export const ENROL_TOKEN = /^vigia1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{64})$/

/** POST /api/enrol: the device made its key; only the signing request leaves it. */
export const EnrolRequest = z.object({
  tokenId: z.string().regex(/^[0-9a-f]{16}$/),
  tokenSecret: z.string().max(60),
  /** PKCS #10 request, PEM, ECDSA P-256. Its subject is ignored; the server names the device. */
  csrPem: z.string().max(4000),
  hostname: z.string().min(1).max(255),
  os: z.enum(['linux', 'windows', 'macos']),
  arch: z.string().max(20),
  /** DMI UUID or machine-id, hashed; the same machine enrolled again keeps its device identity. */
  machineId: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
})
export type EnrolRequest = z.infer<typeof EnrolRequest>

/** The answer. `trustText` is the exact text whose SHA-256 the token pins; the device checks it, then parses it. */
export const EnrolAnswer = z.object({
  client: ClientId,
  device: DeviceId,
  certificatePem: z.string(),
  trustText: z.string(),
  mqttUrl: z.string(),
})
export type EnrolAnswer = z.infer<typeof EnrolAnswer>

/** GET /api/enrol/trust: answered to anyone, so that a device can check the pin before it sends its secret. */
export const TrustAnswer = z.object({ trustText: z.string() })
/** Common name of a device's certificate: `CLIENT/DEVICE`; the topic prefix follows from it. */
export function deviceCommonName(address: { client: string; device: string }): string {
  return `${address.client}/${address.device}`
}
