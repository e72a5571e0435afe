import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'
import { startServer, type RunningServer } from '../../server/app.ts'
import { readConfig } from '../../server/config.ts'
import { createLog } from '../../server/observe/log.ts'
import { openKeyStore, personalKeyDirectory } from '../../server/script/key-store.ts'
import { publicPart } from '../../server/script/keys.ts'
import { APPROVER_KEY } from '../sign/approver-key.ts'
import { createPrinter } from '../output.ts'
import { dataDirectory, noteServerUrl } from '../paths.ts'
import { VERSION } from '../version.ts'
import { agentCommand, keepRunning, type KeptProcess } from './agent-process.ts'
import { buildConsole, CONSOLE_DIR } from './console-build.ts'

/** The client that a first start makes, so that this machine has a place. */
const FIRST_CLIENT = { id: 'demo', name: 'Demo' }

const PARENT_POLL_MS = 500

export type StartOptions = {
  data?: string
  config?: string
  httpHost?: string
  httpPort?: string
  mqttHost?: string
  mqttPort?: string
  logLevel?: string
  agent: boolean
  json?: boolean
}

/** Starts everything, says where it is, and stops it cleanly at a signal. */
export async function start(options: StartOptions): Promise<void> {
  const out = createPrinter(options.json === true)
  const dataDir = dataDirectory(options.data)
  const config = readConfig({
    dataDir,
    file: options.config,
    overrides: {
      ...given('httpHost', options.httpHost),
      ...given('httpPort', port(options.httpPort, '--http-port')),
      ...given('mqttHost', options.mqttHost),
      ...given('mqttPort', port(options.mqttPort, '--mqtt-port')),
      ...given('databaseUrl', process.env['DATABASE_URL']),
      ...given('logLevel', options.logLevel),
    },
  })
  const log = createLog(config.log.level, 'vigia')
  buildConsole((text) => out.progress(text))
  const stopping = onceStopped()
  const server = await startServer({
    dataDir,
    config,
    consoleDir: CONSOLE_DIR,
    version: VERSION,
    approvers: config.trust.approvers.length > 0 ? config.trust.approvers : ownApprovers(),
    log,
  })
  noteServerUrl(dataDir, server.httpUrl)
  let agent: KeptProcess | undefined
  try {
    if (options.agent)
      agent = await startAgent(server, dataDir, config.log.level, (text) => log.warn(`the agent ${text}`))
    out.print(
      {
        httpUrl: server.httpUrl,
        mqttUrl: server.mqttUrl,
        setupLink: server.setupLink,
        dataDir,
        agent: agent?.pid() ?? null,
      },
      () => greeting(server, dataDir, options.data),
    )
    process.on('SIGHUP', () => {
      if (isAtTerminal()) return
      // What is wrong with the packs, the server has told its log and its health.
      server.reloadRules().catch(() => undefined)
    })
    await stopping
    out.progress('Stopping …')
  } finally {
    await agent?.stop()
    await server.stop()
  }
}

function greeting(server: RunningServer, dataDir: string, dataOption: string | undefined): string[] {
  // A data directory chosen by option must be named to the next command too.
  const chosen = dataOption === undefined ? '' : ` --data ${dataOption}`
  return [
    '',
    `  Vigía ${VERSION} watches.`,
    '',
    `  Console    ${server.httpUrl}`,
    ...(server.setupLink === null
      ? []
      : [
          `  Set-up     ${server.setupLink}`,
          '             (once, from this machine: name and password of the owner)',
        ]),
    `  Agents     ${server.mqttUrl}`,
    `  Data       ${dataDir}`,
    '',
    `  See it mend a real fault:  npx vigia lab service-crash${chosen}`,
    '  Stop it:                   Ctrl-C',
    '',
  ]
}

/** Without approvers in the configuration the person's own key; made at the first start, outside the server's data. */
function ownApprovers(): ReturnType<typeof publicPart>[] {
  const store = openKeyStore(personalKeyDirectory(process.env))
  if (!store.has(APPROVER_KEY)) store.create(APPROVER_KEY)
  return [publicPart(store.load(APPROVER_KEY))]
}

async function startAgent(
  server: RunningServer,
  dataDir: string,
  logLevel: string,
  onEnd: (text: string) => void,
): Promise<KeptProcess> {
  const agentDir = join(dataDir, 'agent')
  if (!existsSync(join(agentDir, 'agent.json'))) {
    await server.createClient(FIRST_CLIENT.id, FIRST_CLIENT.name)
    const token = await server.createEnrolToken(FIRST_CLIENT.id)
    const { enrolDevice } = await import('../../agent/enrol.ts')
    await enrolDevice({ serverUrl: server.httpUrl, token, dataDir: agentDir })
  }
  return keepRunning(await agentCommand(agentDir, logLevel), onEnd)
}

/** At a terminal SIGHUP says that it is gone; otherwise, as daemons take it, that the rule packs changed. */
function isAtTerminal(): boolean {
  return process.stdin.isTTY
}

/**
 * Resolves at the first SIGINT or SIGTERM, and at SIGHUP of a terminal; a second one ends at once. npm hands a signal to the shell between
 * it and us, which ends and tells us nothing: so under npm the end of the parent is a signal too.
 */
function onceStopped(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const parent = process.ppid
    if (process.env['npm_lifecycle_event'] !== undefined)
      setInterval(() => {
        if (process.ppid !== parent) resolve()
      }, PARENT_POLL_MS).unref()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        if (signal === 'SIGHUP' && !isAtTerminal()) return
        if (asked) process.exit(130)
        asked = true
        resolve()
      })
  })
}

function port(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw new VigiaError('USAGE', `${option} is a number from 0 to 65535, not ${JSON.stringify(text)}.`)
  return number
}

function given<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, V>)
}
