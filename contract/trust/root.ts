import * as z from 'zod'
import { LIMITS } from '../limits.ts'
import { RemotePolicies, DEFAULT_REMOTE_POLICIES } from '../remote/policy.ts'

/** A public key that a device trusts. `keyid` is the SHA-256 of the raw public key, hexadecimal. */
export const TrustedKey = z.object({
  keyid: z.string().regex(/^[0-9a-f]{64}$/),
  /** Raw Ed25519 public key, 32 bytes, base64url without padding. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  name: z.string().max(120),
})
export type TrustedKey = z.infer<typeof TrustedKey>

/** What a stolen online key is held to on each device, by signed figures: see docs/security.md. */
export const OrderLimits = z.object({
  /** Orders that the device accepts in any hour, whatever they are. */
  perHour: z.number().int().min(1).max(10_000),
  /** Of these, orders of one script version. */
  perScriptPerHour: z.number().int().min(1).max(10_000),
})
export type OrderLimits = z.infer<typeof OrderLimits>
export const DEFAULT_ORDER_LIMITS: OrderLimits = { perHour: 120, perScriptPerHour: 30 }

/**
 * What a device pins when it is installed, after TUF's root role: who may approve scripts, who may order them, who may
 * open a remote session, and how many of the approvers it takes. The next version must be signed by `fleetThreshold`
 * approvers of the present one and as many of its own (TUF 1.0, 5.3): see RootChain.
 */
export const TrustRoot = z.object({
  v: z.literal(1),
  version: z.number().int().positive(),
  approvers: z.object({
    /** Signatures for library code that names its devices (at most LIMITS.narrowDevices). */
    threshold: z.number().int().min(1),
    /** Signatures for what may run on any device, for ad-hoc code, and for another trust root. */
    fleetThreshold: z.number().int().min(1).default(1),
    keys: z.array(TrustedKey).min(1).max(50),
  }),
  /** Keys of the project: one of them approves a script that ships, for any device. */
  publishers: z.object({ keys: z.array(TrustedKey).max(10) }).default({ keys: [] }),
  orderers: z.object({ keys: z.array(TrustedKey).min(1).max(10) }),
  /** Keys of people who may open a terminal, files or the screen of a device. */
  technicians: z.object({ keys: z.array(TrustedKey).max(500) }).default({ keys: [] }),
  /** Which remote sessions a device allows, and whether it asks the person there. */
  remote: RemotePolicies.default(DEFAULT_REMOTE_POLICIES),
  limits: OrderLimits.default(DEFAULT_ORDER_LIMITS),
  /** SHA-256 digests of script versions that must not run any more, whoever signed them. */
  revokedScripts: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .max(LIMITS.revokedScripts)
    .default([]),
  /** The server's certificate authority, PEM: what TLS and device certificates are checked against. */
  caPem: z.string().max(20_000),
})
export type TrustRoot = z.infer<typeof TrustRoot>
