import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

/** A certificate with its key, PEM. */
export type TestCertificate = { certPem: string; keyPem: string }

/** A certificate authority for tests, with a server certificate for 127.0.0.1 and device certificates by common name. */
export type TestAuthority = {
  caPem: string
  server: TestCertificate
  issue(commonName: string, options?: { days?: number; serial?: string }): Promise<TestCertificate>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

/** Makes a new authority (ECDSA P-256) with its server certificate. */
export async function createTestAuthority(name = 'Test CA'): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  let serial = 1
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 30 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  const issue = async (
    commonName: string,
    options: { days?: number; serial?: string } = {},
    extensions: x509.Extension[] = [],
  ): Promise<TestCertificate> => {
    const own = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: options.serial ?? (++serial).toString(16).padStart(4, '0'),
      subject: [{ CN: [commonName] }],
      issuer: ca.subject,
      notBefore: new Date(Date.now() - 2 * DAY_MS),
      notAfter: new Date(Date.now() + (options.days ?? 7) * DAY_MS),
      signingKey: keys.privateKey,
      publicKey: own.publicKey,
      signingAlgorithm: ALGORITHM,
      extensions,
    })
    const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64')
    return {
      certPem: certificate.toString('pem'),
      keyPem: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    }
  }
  const server = await issue('localhost', {}, [
    new x509.SubjectAlternativeNameExtension([
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
    ]),
  ])
  return { caPem: ca.toString('pem'), server, issue: (commonName, options) => issue(commonName, options) }
}
