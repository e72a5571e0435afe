import type { Clock } from '../contract/clock.ts'
import type { LiveEvent } from '../contract/views.ts'
import type { AlertTransition } from '../contract/rules.ts'
import type { DeviceAddress } from '../contract/topics.ts'
import type { Engine } from '../rules/engine/engine.ts'
import type { DeviceContext } from '../rules/selector.ts'
import type { AlertQueue } from './alert/queue.ts'
import type { Broker } from './broker/broker.ts'
import type { Devices } from './fleet/devices.ts'
import type { Documents } from './fleet/documents.ts'
import type { Presence } from './fleet/presence.ts'
import type { Incidents } from './incident/incidents.ts'
import type { IngestOptions } from './ingest/ingest.ts'
import type { LiveState } from './live-state.ts'
import type { Live } from './notify/live.ts'
import { failpoint } from './observe/failpoint.ts'
import type { Logger } from './observe/log.ts'
import type { Remediation } from './remediation/remediation.ts'
import type { RemoteRelay } from './remote/relay.ts'
import type { Runs } from './run/runs.ts'
import type { Trust } from './fleet/trust-book.ts'
import { handRoots } from './wiring/trust.ts'

/** The stages between which the pipeline carries values of the contract. */
export type Stages = {
  clock: Clock
  log: Logger
  broker: Broker
  engine: Engine
  alerts: AlertQueue
  remediation: Remediation
  runs: Pick<Runs, 'deviceCame' | 'tick'>
  devices: Devices
  documents: Documents
  presence: Presence
  live: Live
  liveState: LiveState
  remote: RemoteRelay
  trust: Trust
  /** What rules know of a device; made on first need. */
  context: (address: DeviceAddress) => DeviceContext
  /** Forgets the context, since the device said something new of itself. */
  renewContext: (device: string) => Promise<void>
}

/** What ingest hands on: committed reports to the rules, everything else to its stage. */
export function fromIngest(
  stages: () => Stages,
): Pick<
  IngestOptions,
  | 'onReports'
  | 'onFacts'
  | 'onSession'
  | 'onGone'
  | 'onOutput'
  | 'onResult'
  | 'onRemoteFrame'
  | 'onRemoteState'
> {
  const owns = rememberOwners()
  return {
    // Committed and acknowledged: the rules see each value once, and never wait.
    onReports(batch) {
      const { engine, alerts, live, liveState, context } = stages()
      const out: AlertTransition[] = []
      const shown = new Map<string, number>()
      for (const report of batch) {
        engine.observe(context(report), report, out)
        if (report.late) continue
        liveState.report(report, report.layout, report.values, report.receivedMs)
        shown.set(report.device, report.timeMs)
      }
      alerts.push(out.filter(({ kind }) => kind === 'firing' || kind === 'resolved'))
      if (live.events.listeners() > 0)
        for (const [device, timeMs] of shown) live.events.emit({ type: 'values', device, timeMs })
    },
    async onFacts(address, facts) {
      await stages().documents.saveFact(address, {
        kind: facts.kind,
        timeMs: facts.timeMs,
        document: JSON.parse(facts.json),
      })
    },
    // A session begins: the device learns its policy and the trust roots that it lacks, and what waits for it goes out.
    async onSession(address, hello) {
      const { broker, clock, devices, liveState, presence, remediation, runs, live, renewContext, trust } =
        stages()
      const cameMs = clock()
      await devices.hello(address, hello)
      liveState.hello(address, hello, cameMs)
      await presence.online(address, clock())
      await renewContext(address.device)
      await broker.send(address, { type: 'policy', policy: await devices.policy(address.device) })
      await handRoots({ trust, liveState, broker }, address)
      live.events.emit({ type: 'device', device: address.device })
      await remediation.sessionStarted(address.device)
      runs.deviceCame()
    },
    onGone: (address) => sessionEnded(stages(), address),
    // Shown as it comes, in order, and kept for who looks later; only from the device whose job it is.
    async onOutput(address, output) {
      const { remediation, live } = stages()
      if (await owns(remediation, address, output.job)) live.output.emit(output)
    },
    onRemoteFrame: (address, frame) => stages().remote.frame(address, frame),
    onRemoteState: (address, message) => stages().remote.state(address, message),
    async onResult(address, result) {
      const { remediation, live, log } = stages()
      failpoint('server-result-received')
      const answer = await remediation.result(address, result)
      failpoint('server-result-committed')
      if (answer === 'applied' && result.outcome !== 'started') live.output.ended(result.job)
      if (answer === 'foreign')
        log.warn(
          { device: address.device, job: result.job },
          'a device sent a result of a job that is not its own',
        )
    },
  }
}

/** A device that is there and has not said hello by then is asked to: its session is older than this server. */
const HELLO_WITHIN_MS = 3000

/** Devices that come and go as the transport sees it. */
export function fromBroker(stages: () => Stages): (address: DeviceAddress, online: boolean) => void {
  const failed = (address: DeviceAddress) => (error: unknown) =>
    stages().log.error({ err: error, device: address.device }, 'a change of a session could not be noted')
  return (address, online) => {
    // Coming online counts from the hello, since only then the device can be spoken to.
    if (!online) {
      sessionEnded(stages(), address).catch(failed(address))
      return
    }
    setTimeout(() => {
      const { broker, liveState } = stages()
      if (liveState.of(address.device)?.hello === undefined)
        broker.send(address, { type: 'need-hello' }).catch(failed(address))
    }, HELLO_WITHIN_MS).unref()
  }
}

async function sessionEnded(
  { clock, liveState, presence, remediation, remote, live }: Stages,
  address: DeviceAddress,
): Promise<void> {
  liveState.online(address, false, clock())
  await presence.offline(address, clock())
  live.events.emit({ type: 'device', device: address.device })
  await remediation.sessionEnded(address.device)
  await remote.sessionEnded(address.device)
}

/** The rules that fired are kept as they were; alerts become incidents, and each incident that changed is decided on: remedy, ticket, or settled. */
export function deliverAlerts(
  stages: () => {
    rules: { keepFired(alerts: readonly AlertTransition[]): Promise<void> }
    incidents: Incidents
    remediation: Remediation
    emit: (event: LiveEvent) => void
  },
): (alerts: readonly AlertTransition[]) => Promise<void> {
  return async (alerts) => {
    const { rules, incidents, remediation } = stages()
    await rules.keepFired(alerts)
    const changes = await incidents.apply(alerts)
    for (const id of new Set(changes.map((change) => change.id))) await remediation.follow(id)
  }
}

/** What time brings to incidents (silences that end, sites that settle) is decided on like any other change. */
export async function passTime(
  { incidents, remediation }: { incidents: Incidents; remediation: Remediation },
  nowMs: number,
): Promise<void> {
  const changes = await incidents.tick(nowMs)
  for (const id of new Set(changes.map((change) => change.id))) await remediation.follow(id)
}

const REMEMBERED_JOBS = 20_000

/** Asks once for each job whose it is; the same promise answers every chunk, which keeps them in order. */
function rememberOwners(): (
  remediation: Remediation,
  address: DeviceAddress,
  job: string,
) => Promise<boolean> {
  const known = new Map<string, Promise<boolean>>()
  return (remediation, address, job) => {
    const key = `${address.device} ${job}`
    let answer = known.get(key)
    if (!answer) {
      answer = remediation.owns(address, { job })
      answer.catch(() => known.delete(key))
      known.set(key, answer)
      const [oldest] = known.keys()
      if (known.size > REMEMBERED_JOBS && oldest !== undefined) known.delete(oldest)
    }
    return answer
  }
}
