import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'

/**
 * Which certificate authorities the connection trusts. A new root may name another authority than the one that the
 * server's certificate has today. It is in force at once, and the one under which the device last got in is tried as
 * well, until a connection under the new one has worked: a mistake in a root, or a server that is behind, must not cost
 * the device. What that gives away: until then who holds the old authority's key can still play the server, and so
 * read telemetry and hold roots back; never run anything.
 */
export type Authorities = {
  /** PEM of all that may let the device in. */
  pem(): string
  /** The pinned root names another authority, perhaps. */
  changed(caPem: string): void
  /** A connection stands; SHA-256 fingerprints of the server's chain. Under the new authority the old one goes. */
  connected(chain: readonly string[]): void
}

export function createAuthorities(options: {
  caPem: string
  /** Where the one before is kept. */
  before: string
  forgotten: () => void
}): Authorities {
  let caPem = options.caPem
  let before = existsSync(options.before) ? readFileSync(options.before, 'utf8') : undefined
  return {
    pem: () => (before === undefined ? caPem : `${caPem}\n${before}`),
    changed(next) {
      caPem = next
      before = existsSync(options.before) ? readFileSync(options.before, 'utf8') : undefined
    },
    connected(chain) {
      if (before === undefined) return
      const present = new Set(certificatesOf(caPem).map((pem) => new X509Certificate(pem).fingerprint256))
      if (!chain.some((fingerprint) => present.has(fingerprint))) return
      rmSync(options.before, { force: true })
      before = undefined
      options.forgotten()
    },
  }
}

/** The certificates of a PEM text, each by itself. */
export function certificatesOf(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
}
