import { X509Certificate } from 'node:crypto'
import { realpathSync, statSync } from 'node:fs'
import type { Collector, Labels } from './collector.ts'
import type { Reader } from './source/read.ts'

const HANDSHAKE_MS = 10_000
const AT_ONCE = 10
const DAY_MS = 86_400_000

/**
 * Days until each certificate that the policy names expires: a PEM file (the first certificate in it, which is the
 * server's own) or a TLS endpoint host:port. What cannot be read or reached is unavailable.
 */
export const certificate: Collector = {
  name: 'certificate',
  intervalS: 3600,
  metrics: ['certificate.remaining_days'],
  create({ reader, policy, log }) {
    const labels = new Map<string, Labels>()
    let endMs = new Map<string, number>()
    return {
      async prepare() {
        const found = new Map<string, number>()
        const waiting = [...new Set(policy().certificates)]
        const work = async (): Promise<void> => {
          for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
            try {
              found.set(name, name.startsWith('/') ? readFileEnd(reader, name) : await askEndpointEnd(name))
            } catch (thrown) {
              log.warn('certificate cannot be read', {
                certificate: name,
                error: thrown instanceof Error ? thrown.message : String(thrown),
              })
            }
          }
        }
        await Promise.all(Array.from({ length: AT_ONCE }, work))
        endMs = found
      },
      collect(sink, nowMs) {
        for (const name of new Set(policy().certificates)) {
          const known = labels.get(name) ?? { certificate: name }
          labels.set(name, known)
          const end = endMs.get(name)
          sink.set(
            'certificate.remaining_days',
            known,
            end === undefined ? undefined : (end - nowMs) / DAY_MS,
          )
        }
      },
    }
  },
}

const PEM_BYTES = 1024 * 1024

/**
 * The path comes from the server, which may be hostile, so only an ordinary file is ever opened: a pipe would hang
 * the agent, and opening a device does things (a watchdog restarts the machine). Nothing but the end date leaves.
 */
function readFileEnd(reader: Reader, path: string): number {
  const real = realpathSync(reader.real(path))
  const stat = statSync(real)
  if (!stat.isFile() || stat.size === 0 || stat.size > PEM_BYTES || /^\/(?:proc|sys|dev)\//.test(real))
    throw new Error(`${path} is not an ordinary file`)
  const pem = reader.text(path)
  if (pem === undefined) throw new Error(`${path} cannot be read`)
  return new X509Certificate(pem).validToDate.getTime()
}

/** What the endpoint shows, trusted or not: an untrusted certificate expires as well. */
async function askEndpointEnd(endpoint: string): Promise<number> {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(endpoint)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) throw new Error(`${endpoint} is neither a path nor host:port`)
  const [{ connect }, { isIP }] = await Promise.all([import('node:tls'), import('node:net')])
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(match?.[3]),
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    })
    const timer = setTimeout(() => socket.destroy(new Error(`${endpoint} does not answer`)), HANDSHAKE_MS)
    socket.once('secureConnect', () => {
      const shown = socket.getPeerX509Certificate()
      if (shown) resolve(shown.validToDate.getTime())
      else reject(new Error(`${endpoint} shows no certificate`))
      socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () => {
      clearTimeout(timer)
      reject(new Error(`${endpoint} closed the connection`))
    })
  })
}
