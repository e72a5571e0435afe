import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A key and a signing request made by openssl, which is nobody's code of ours. */
export function newRequest(kind = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']): {
  keyPem: string
  csrPem: string
} {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-csr-'))
  const [key, csr] = [join(folder, 'key.pem'), join(folder, 'csr.pem')]
  const made = spawnSync(
    'openssl',
    ['req', '-new', '-newkey', ...kind, '-nodes', '-keyout', key, '-out', csr, '-subj', '/CN=whatever'],
    { encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(made.stderr)
  const request = { keyPem: readFileSync(key, 'utf8'), csrPem: readFileSync(csr, 'utf8') }
  rmSync(folder, { recursive: true })
  return request
}
