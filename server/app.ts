import { join } from 'node:path'
import type { Clock } from '../contract/clock.ts'
import type { TrustedKey } from '../contract/trust/root.ts'
import type { AlertTransition } from '../contract/rules.ts'
import { createFactors } from './access/factors.ts'
import { makeLocalToken } from './access/local-token.ts'
import { createPeople } from './access/people.ts'
import { openAudit } from './wiring/audit.ts'
import { backupInstallation } from './backup.ts'
import type { ServerConfig } from './config.ts'
import { lockDataDirectory } from './data-lock.ts'
import { createDeviceContexts } from './device-contexts.ts'
import { createClients } from './fleet/clients.ts'
import { createDevices, type DeviceRecord } from './fleet/devices.ts'
import { createDocuments } from './fleet/documents.ts'
import { createEnrolment } from './fleet/enrol.ts'
import { createPresence } from './fleet/presence.ts'
import { beginServerRun } from './fleet/server-runs.ts'
import { createHostileBook } from './hostile-book.ts'
import { credit, enter, tell } from './incident/rows.ts'
import { createLiveState, sessionOf } from './live-state.ts'
import { createLive } from './notify/live.ts'
import { healthOf } from './wiring/health.ts'
import type { Logger } from './observe/log.ts'
import { createRegistry } from './observe/metrics.ts'
import { openBroker } from './wiring/broker.ts'
import { openData } from './wiring/data.ts'
import { openDesk } from './wiring/desk.ts'
import { openAlerts, openIngest } from './wiring/flow.ts'
import { openHttp } from './wiring/http.ts'
import type { Parts } from './wiring/parts.ts'
import { fromBroker, type Stages } from './pipeline.ts'
import { openRemoteParts } from './wiring/remote.ts'
import { openPacks } from './rule-packs.ts'
import { openRuleParts, ruleServices } from './wiring/rules.ts'
import { createWork } from './wiring/work.ts'
import { createScripts } from './script/scripts.ts'
import { makeOrder } from './script/order.ts'
import { upTopic } from '../contract/topics.ts'
import { restoreRules, startTimers } from './timers.ts'
import { openKeys } from './wiring/keys.ts'
import { storeShipped } from './wiring/trust.ts'

/** What a server is built from. `approvers` are the public keys of the people who may approve, for the first trust root. */
export type ServerOptions = {
  dataDir: string
  config: ServerConfig
  consoleDir: string
  version: string
  approvers: readonly TrustedKey[]
  log: Logger
  /** The real clock unless given: a test lets days pass. */
  clock?: Clock
}

/** A server that runs. */
export type RunningServer = {
  httpUrl: string
  mqttUrl: string
  /** The one-time link of the first set-up; null once there is a person. */
  setupLink: string | null
  /** Reads all rule packs again and puts them in force; RULES_INVALID when they have faults, and nothing is changed. */
  reloadRules(): Promise<void>
  createClient(id: string, name: string): Promise<void>
  createEnrolToken(client: string): Promise<string>
  /** Judges by time at once what is judged each second anyway, for a test that brings its clock. */
  judge(): Promise<void>
  stop(): Promise<void>
}

/**
 * Builds and starts a server: the only place that wires its parts. Whatever fails while it starts undoes what stood
 * already. Throws DATA_IN_USE, PORT_IN_USE, CONFIG_INVALID, RULES_INVALID and what the stores and records throw.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const undo: (() => void | Promise<void>)[] = []
  try {
    return await build(options, undo)
  } catch (thrown) {
    await unwind(undo, options.log)
    throw thrown
  }
}

async function build(options: ServerOptions, undo: (() => void | Promise<void>)[]): Promise<RunningServer> {
  const { dataDir, config, log, version } = options
  const clock = options.clock ?? Date.now
  const startedAtMs = clock()
  // All faults of the rules come before anything is opened.
  const ruleBook = openPacks({ config: config.rules, dataDir, clock, log: log.child({ part: 'rules' }) })

  const snapshotPath = join(dataDir, 'rules.snapshot')
  const lock = lockDataDirectory(dataDir, clock())
  undo.push(() => lock.release())
  const registry = createRegistry(version)
  const live = createLive((error) => log.error({ err: error }, 'a listener of live events failed'))
  const emit = live.events.emit.bind(live.events)

  const { openedRecords, store, writer } = await openData({ dataDir, config, clock, log, registry, undo })
  const { records } = openedRecords
  const { authority, orderKey, trust, secretBox } = await openKeys({
    ...{ dataDir, config, clock, records, approvers: options.approvers },
    note: (db, entry) => audit.appendIn(db, entry),
  })

  const devices = createDevices({ records, clock })
  const documents = createDocuments({ records, clock })
  const presence = createPresence({ records })
  await presence.recover()
  const run = await beginServerRun({ records, clock })
  const clients = createClients({ records, clock })
  const people = createPeople({ records, clock })
  const localToken = makeLocalToken(dataDir)
  const { audit, anchors } = openAudit({ records, clock, dataDir, outside: config.audit, log, undo })
  const factors = createFactors({
    ...{ records, clock, box: secretBox },
    note: (db, entry) => audit.appendIn(db, entry),
  })
  const hostile = createHostileBook({ records, registry, log })
  const liveState = createLiveState()
  // Until the timers stand nothing is judged, and nothing need be saved.
  let saveRules = (): void => undefined
  const rules = await openRuleParts({
    book: ruleBook,
    records,
    clock,
    log: log.child({ part: 'rules' }),
    contexts: {
      byId: (device) => contexts.byId(device),
      addresses: () => contexts.addresses(),
    },
    documents,
    changed: () => emit({ type: 'health' }),
    exchanged: () => saveRules(),
  })
  const { engine } = rules

  const contexts = createDeviceContexts(engine)
  const broker = await openBroker({
    config,
    dataDir,
    authority,
    devices,
    accepts: (address) => contexts.accepts(address),
    addresses: () => contexts.addresses(),
    clock,
    log: log.child({ part: 'broker' }),
    registry,
  })
  undo.push(() => broker.close())

  const scripts = createScripts({ records, clock, root: () => trust.root })
  await storeShipped(scripts, log)
  const { noise, incidents, maintenance, tickets } = await openDesk({ records, clock, emit, rules })
  const work = createWork({
    ...{ records, clock, log, emit, audit, scripts, tickets, box: secretBox },
    session: (device) => sessionOf(liveState.of(device)),
    send: (address, message) => broker.send(address, message),
    sign: (request) =>
      makeOrder(request, { ...orderKey.trusted, privateKey: orderKey.privateKey }, trust.root),
    incidents: { tell, enter, credit },
  })
  const { remediation } = work
  undo.push(() => work.runs.stop())

  const learn = (known: readonly DeviceRecord[]): void => {
    const out: AlertTransition[] = []
    for (const record of known) contexts.learn(record, out)
    alerts.push(out)
    rules.learned(known.flatMap(({ id }) => contexts.byId(id) ?? []))
  }
  const alerts = openAlerts(() => ({ rules, incidents, remediation, emit }), log)
  const remote = await openRemoteParts({
    ...{ records, clock, dataDir, audit, emit, broker, liveState, trust, orderKey },
    log: log.child({ part: 'remote' }),
    keptDays: config.retention.recordingDays,
    hostile: (address, frame) =>
      ingest.refuse('REPORT_WRONG_TENANT', address, upTopic(address, 'remote'), frame),
  })
  const stages: Stages = {
    ...{ clock, log, broker, engine, alerts, ...work, remote, devices, documents, presence, live, liveState },
    trust,
    context: (address) => contexts.of(address),
    async renewContext(device) {
      learn([await devices.get(device)])
    },
  }
  const savedMs = restoreRules(engine, snapshotPath, log)
  const enrolled = await devices.list()
  for (const record of enrolled) if (record.revokedAtMs !== null) contexts.forget(record.id)
  learn(enrolled.filter(({ revokedAtMs }) => revokedAtMs === null))
  if (savedMs !== null) alerts.push(await rules.catchUp(store, savedMs))
  await broker.devicesChanged()

  const ingest = await openIngest({
    ...{ writer, documents, broker, hostile, clock, registry, stages: () => stages },
    log: log.child({ part: 'ingest' }),
  })
  const timers = startTimers({
    ...{ ...stages, records, store, people, incidents, noise, maintenance, snapshotPath },
    alive: () => run.alive(),
    renewCertificate: () => authority.renew(),
  })
  undo.push(() => timers.stop())
  saveRules = () => timers.saveSnapshot()
  broker.onRefused(({ reason, address, topic, payload }) => ingest.refuse(reason, address, topic, payload))
  broker.onPresence(fromBroker(() => stages))
  broker.onUp((address, channel, payload, topic) => ingest.handle(address, channel, payload, topic))

  const services = ruleServices({
    ...{ book: ruleBook, rules, config: config.rules, dataDir, records, store, registry, clock },
    ...{ contexts, devices, documents },
    log: log.child({ part: 'rules' }),
    silencedBy: (context, rule) => noise.silencedBy(context, rule),
  })
  const ruleTimers = services.start()
  undo.push(() => ruleTimers.stop())

  const health = healthOf({
    ...{ records: openedRecords, store, writer, broker, alerts, ruleBook, coverage: services.coverage },
    ...{ others: [noise, trust, anchors], version, startedAtMs, clock },
  })
  const enrolment = createEnrolment({ records, clock, authority, trust, mqttUrl: broker.url })
  const parts: Parts = {
    ...{ ruleBook, ruleHistory: rules.history, reloadRules: () => rules.reload(), ...services },
    ...{ clock, log, registry, live, liveState, records, store, broker, engine, ...work, scripts, remote },
    ...{ people, ...factors, localToken, audit, clients, devices, documents, enrolment, trust, hostile },
    ...{ maintenance, noise, incidents, tickets, health },
    backup: (file) => backupInstallation({ dataDir, owner: openedRecords.owner, file, clock }),
    deviceAddresses: () => contexts.addresses(),
    async deviceChanged(device) {
      await stages.renewContext(device)
      await broker.devicesChanged()
    },
    async deviceGone(device) {
      contexts.forget(device)
      await broker.devicesChanged()
    },
  }
  const { http, httpUrl } = await openHttp(parts, {
    ...{ clock, config: config.http, log, version },
    consoleDir: options.consoleDir,
  })
  undo.push(() => http.close())
  const setupToken = await people.issueSetupToken()
  await audit.append({ who: 'server', action: 'server.start', client: null, subject: version })
  log.info(
    {
      httpUrl,
      mqttUrl: broker.url,
      rules: ruleBook.current().rules.length,
      records: openedRecords.mode,
      store: store.name,
    },
    'started',
  )

  return {
    httpUrl,
    mqttUrl: broker.url,
    reloadRules: async () => void (await rules.reload()),
    setupLink: setupToken === undefined ? null : `${httpUrl}/setup#token=${setupToken}`,
    async createClient(id, name) {
      if ((await clients.list()).some((client) => client.id === id)) return
      await clients.create(id, name)
      await audit.append({ who: 'server', action: 'client.create', client: id, subject: id })
    },
    judge: () => timers.judge(),
    createEnrolToken: async (client) => (await enrolment.createToken({ client, ttlMs: 10 * 60_000 })).token,
    async stop() {
      // Nothing new goes out or comes in; what was taken is committed; then the parts go in the reverse order of their coming.
      await remote.stop()
      await work.runs.stop()
      await http.close()
      await broker.close()
      await ingest.flush()
      await alerts.drained()
      timers.saveSnapshot()
      await devices.seen(liveState.takeSeen())
      await presence.recover()
      await run.alive()
      await audit.append({ who: 'server', action: 'server.stop', client: null, subject: version })
      await unwind(undo, log)
    },
  }
}

async function unwind(undo: (() => void | Promise<void>)[], log: Logger): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      log.error({ err: error }, 'a part did not stop cleanly')
    }
  }
}
