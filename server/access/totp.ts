import { Secret, TOTP } from 'otpauth'

/** What every authenticator application knows how to do (RFC 6238 with the values of Google's key URI format). */
const SHAPE = { algorithm: 'SHA1', digits: 6, period: 30 } as const
/** RFC 4226, 4 (R6), recommends 160 bits. */
const SECRET_BYTES = 20
/** Time steps each way in which a code counts: clocks differ, and typing takes a while (RFC 6238, 5.2). */
const WINDOW = 1

/** A new secret, in base32. */
export function makeTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32
}

/** The key URI that an authenticator application scans: whose it is and where it belongs. */
export function totpUri(secret: string, name: string): string {
  return new TOTP({ ...SHAPE, issuer: 'Vigía', label: name, secret: Secret.fromBase32(secret) }).toString()
}

/** The time step whose code this is, within the window around `nowMs`; null when it is none of those. */
export function totpStep(secret: string, code: string, nowMs: number): number | null {
  const totp = new TOTP({ ...SHAPE, secret: Secret.fromBase32(secret) })
  const delta = totp.validate({ token: code, timestamp: nowMs, window: WINDOW })
  return delta === null ? null : totp.counter({ timestamp: nowMs }) + delta
}
