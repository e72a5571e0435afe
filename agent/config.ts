import { readFileSync } from 'node:fs'
import { VigiaError, type Fault } from '../contract/errors.ts'

/** What enrolment wrote into agent.json. */
export type AgentConfig = { serverUrl: string; mqttUrl: string; client: string; device: string }

/** Reads agent.json; CONFIG_INVALID names every fault at once, DATA_UNREADABLE a file that cannot be read. */
export function readConfig(path: string): AgentConfig {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (thrown) {
    const absent = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'
    if (absent) throw new VigiaError('CONFIG_INVALID', `${path} is not there: enrol this device first`)
    throw new VigiaError('DATA_UNREADABLE', `Cannot read ${path}: ${String(thrown)}`, { cause: thrown })
  }
  const { config, faults } = parseConfig(text, path)
  if (config) return config
  throw new VigiaError(
    'CONFIG_INVALID',
    `${path}: ${faults.map(({ field, message }) => `${field === undefined ? '' : `${field}: `}${message}`).join('; ')}`,
    { faults },
  )
}

// The patterns of contract/ids.ts, without zod, which the running agent never loads; a test holds them together.
const CLIENT = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/
const DEVICE = /^d-[a-z2-7]{16}$/

/** Parses the text of agent.json. */
export function parseConfig(
  text: string,
  file: string,
): { config: AgentConfig | undefined; faults: readonly Fault[] } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    return { config: undefined, faults: [{ file, message: `is not JSON: ${String(thrown)}` }] }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { config: undefined, faults: [{ file, message: 'must be an object' }] }
  const given = value as Record<string, unknown>
  const faults: Fault[] = []
  const read = (field: keyof AgentConfig, wanted: string, is: (text: string) => boolean): string => {
    const found = given[field]
    if (typeof found === 'string' && is(found)) return found
    faults.push({ file, field, message: found === undefined ? 'is missing' : `must be ${wanted}` })
    return ''
  }
  const config: AgentConfig = {
    serverUrl: read('serverUrl', 'an http or https address', (url) => hasProtocol(url, ['http:', 'https:'])),
    mqttUrl: read('mqttUrl', 'an mqtts address', (url) => hasProtocol(url, ['mqtts:'])),
    client: read('client', 'a client id', (id) => CLIENT.test(id)),
    device: read('device', 'a device id', (id) => DEVICE.test(id)),
  }
  return faults.length === 0 ? { config, faults } : { config: undefined, faults }
}

function hasProtocol(url: string, protocols: readonly string[]): boolean {
  return URL.canParse(url) && protocols.includes(new URL(url).protocol)
}
