import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CollectLog } from '../../log.ts'
import { refuseFaults } from './drop-in.ts'

/** What this device probes over the network beside its gateway and its resolver; DATA/probes.json names it. */
export type Probes = {
  /** host:port whose TCP answer is timed. */
  targets: string[]
  /** The name that is resolved; the root's name servers without one. */
  dnsName: string | undefined
  /** host or host:port of a time server. */
  timeServer: string | undefined
}

const NONE: Probes = { targets: [], dnsName: undefined, timeServer: undefined }
const MOST_TARGETS = 10

/** Parses the text of probes.json; throws an Error that names every faulty field. */
export function parseProbes(text: string): Probes {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error('an object is wanted')
  const { targets = [], dnsName, timeServer, ...rest } = value as Record<string, unknown>
  const isText = (one: unknown): one is string => typeof one === 'string' && one !== '' && one.length <= 253
  const isTargets =
    Array.isArray(targets) &&
    targets.length <= MOST_TARGETS &&
    targets.every((one) => isText(one) && /^(?:\[[^\]]+\]|[^:\s]+):\d{1,5}$/.test(one))
  refuseFaults([
    !isTargets && `targets: at most ${String(MOST_TARGETS)} texts host:port are wanted`,
    dnsName !== undefined && !isText(dnsName) && 'dnsName: a name is wanted',
    timeServer !== undefined && !isText(timeServer) && 'timeServer: host or host:port is wanted',
    Object.keys(rest).length > 0 && `${Object.keys(rest).join(', ')}: not known here`,
  ])
  return {
    targets: targets as string[],
    dnsName: dnsName as string | undefined,
    timeServer: timeServer as string | undefined,
  }
}

/** Reads DATA/probes.json anew at each call; a faulty file counts as none and is said once until it changes. */
export function probesOf(dataDir: string | undefined, log: CollectLog): () => Probes {
  let told: string | undefined
  return () => {
    if (dataDir === undefined) return NONE
    let text: string
    try {
      text = readFileSync(join(dataDir, 'probes.json'), 'utf8')
    } catch {
      return NONE
    }
    try {
      const probes = parseProbes(text)
      told = undefined
      return probes
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      if (told !== message) log.warn('probes.json is left out', { error: message })
      told = message
      return NONE
    }
  }
}
