import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import * as z from 'zod'
import { VigiaError, type Fault } from '../contract/errors.ts'
import { TrustedKey } from '../contract/trust/root.ts'
import { placesOf } from '../rules/language/places.ts'

const Port = z.number().int().min(0).max(65_535)
const Url = (protocols: RegExp): z.ZodType<string> => z.url({ protocol: protocols })

/** The server's configuration, as `vigia.yaml` in the data directory (or --config) says it; everything has a default. */
export const ServerConfig = z.strictObject({
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: Port.default(7400),
      /** Further names under which browsers call this server. */
      names: z.array(z.string()).default([]),
      /** Addresses or networks of proxies whose word is taken for who calls, and by which name. */
      proxies: z
        .array(
          z.union(
            [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
            'an address or a network, such as 127.0.0.1 or 10.0.0.0/8',
          ),
        )
        .default([]),
      /** Lets a Prometheus on another machine read /metrics, and nothing else. */
      metricsToken: z
        .string()
        .regex(/^[\w~+/.-]{20,200}=*$/, 'a token of 20 letters or more, such as "openssl rand -hex 20" makes')
        .optional(),
    })
    .prefault({}),
  mqtt: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: Port.default(8883),
      /** Further names under which agents call this server; they stand in its certificate. */
      names: z.array(z.string()).default([]),
    })
    .prefault({}),
  /** An MQTT broker outside (docs/external-broker.md); without it the server is its own. */
  broker: z
    .strictObject({
      /** Where the server and the agents connect. */
      url: Url(/^mqtts?$/),
      /** The server's name and password there; without them it shows a certificate. */
      username: z.string().optional(),
      password: z.string().optional(),
      /** The authority of the broker's own certificate; devices trust it too. This server's own unless given. */
      caFile: z.string().optional(),
      /** The server's certificate as the broker's client; one of its own authority (`vigia-server`) unless given. */
      certFile: z.string().optional(),
      keyFile: z.string().optional(),
      /** mosquitto's access list: written at the start and whenever a device is enrolled or revoked. */
      aclFile: z.string().optional(),
      /** mosquitto's pid file: that process gets a SIGHUP when the list was written. */
      pidFile: z.string().optional(),
    })
    .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), {
      path: ['certFile'],
      message: 'certFile and keyFile go together',
    })
    .refine(({ aclFile, pidFile }) => pidFile === undefined || aclFile !== undefined, {
      path: ['pidFile'],
      message: 'pidFile needs aclFile',
    })
    .optional(),
  store: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('duckdb'),
        memoryMb: z.number().int().min(64).max(65_536).default(192),
      }),
      z.strictObject({
        kind: z.literal('influx1'),
        url: Url(/^https?$/),
        database: z.string().min(1),
        username: z.string().optional(),
        password: z.string().optional(),
      }),
      z.strictObject({
        kind: z.literal('influx2'),
        url: Url(/^https?$/),
        org: z.string(),
        bucket: z.string().min(1),
        hourlyBucket: z.string().min(1).optional(),
        token: z.string(),
      }),
    ])
    .prefault({ kind: 'duckdb' }),
  records: z.strictObject({ url: Url(/^postgres(ql)?$/).optional() }).prefault({}),
  retention: z
    .strictObject({
      rawDays: z.number().int().min(1).max(3650).default(30),
      hourlyDays: z.number().int().min(1).max(3650).default(400),
      /** Recordings of terminals. */
      recordingDays: z.number().int().min(1).max(3650).default(180),
    })
    .prefault({}),
  /** Where heads of the audit chain go outside this server's data: a file on another disk or share, or an address that takes a POST. */
  audit: z
    .strictObject({
      file: z.string().optional(),
      webhook: Url(/^https?$/).optional(),
      everyMinutes: z.number().min(0).max(1440).default(5),
    })
    .prefault({}),
  trust: z
    .strictObject({
      /** Public keys of the people who may approve, as "vigia keys show" prints them; for the first trust root only. */
      approvers: z.array(TrustedKey).max(50).default([]),
    })
    .prefault({}),
  /** Rule packs beside the one that ships. */
  rules: z
    .strictObject({ packs: z.array(z.string()).default([]), base: z.boolean().default(true) })
    .prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('warn') }).prefault({}),
})
export type ServerConfig = z.infer<typeof ServerConfig>

/** What options of the command line and the environment set over the file. */
export type ConfigOverrides = {
  httpHost?: string
  httpPort?: number
  mqttHost?: string
  mqttPort?: number
  databaseUrl?: string
  logLevel?: string
}

/** Reads the configuration; CONFIG_INVALID carries every fault with its file, line and field, and nothing is applied. */
export function readConfig(options: {
  dataDir: string
  file?: string | undefined
  overrides?: ConfigOverrides
}): ServerConfig {
  const path = options.file ?? join(options.dataDir, 'vigia.yaml')
  if (options.file !== undefined && !existsSync(path))
    throw new VigiaError('CONFIG_INVALID', `There is no configuration file ${path}.`)
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return parseConfig(text, path, options.overrides ?? {})
}

/** The same over a text; `file` names it in faults. */
export function parseConfig(text: string, file: string, overrides: ConfigOverrides): ServerConfig {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const faults: Fault[] = document.errors.map((error) => ({
    file,
    line: error.linePos?.[0].line ?? 1,
    column: error.linePos?.[0].col ?? 1,
    message: error.message.split('\n')[0] ?? error.message,
  }))
  if (faults.length === 0) {
    const parsed = ServerConfig.safeParse(withOverrides(document.toJS() ?? {}, overrides))
    if (parsed.success) return parsed.data
    const places = placesOf(document, lines, file)
    for (const issue of parsed.error.issues) {
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
      faults.push(
        unknown === undefined
          ? places.fault(issue.path, issue.message)
          : places.fault([...issue.path, unknown], issue.message, { key: true }),
      )
    }
  }
  throw new VigiaError(
    'CONFIG_INVALID',
    `${file} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}; nothing was applied.`,
    { faults },
  )
}

function withOverrides(value: unknown, overrides: ConfigOverrides): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const config = { ...value } as Record<string, unknown>
  const set = (section: string, field: string, override: string | number | undefined): void => {
    const old = config[section]
    if (override !== undefined && (old === undefined || (typeof old === 'object' && old !== null)))
      config[section] = { ...old, [field]: override }
  }
  set('http', 'host', overrides.httpHost)
  set('http', 'port', overrides.httpPort)
  set('mqtt', 'host', overrides.mqttHost)
  set('mqtt', 'port', overrides.mqttPort)
  set('records', 'url', overrides.databaseUrl)
  set('log', 'level', overrides.logLevel)
  return config
}
