import type { AlertTransition } from '../contract/rules.ts'
import type { People } from './access/people.ts'
import { findOrphans } from './alert/orphans.ts'
import { loadSnapshot, saveSnapshot } from './alert/snapshot.ts'
import type { Engine } from '../rules/engine/engine.ts'
import type { Logger } from './observe/log.ts'
import type { Incidents } from './incident/incidents.ts'
import type { Maintenance } from './fleet/maintenance.ts'
import type { Noise } from './wiring/noise.ts'
import { passTime, type Stages } from './pipeline.ts'
import type { Records } from './records/records.ts'
import type { MetricStore } from './store/store.ts'

const RULES_EVERY_MS = 1000
const LABS_EVERY_MS = 5000
const SNAPSHOT_EVERY_MS = 10_000
const SEEN_EVERY_MS = 10_000
const STORE_EVERY_MS = 5 * 60_000
const HUSHES_EVERY_MS = 30_000
const WINDOWS_EVERY_MS = 5 * 60_000
const ACCOUNT_EVERY_MS = 3_600_000
const DAILY_MS = 24 * 3_600_000
/** After a start every device has had time to report by then, at the usual interval. */
const ORPHANS_AFTER_MS = 3 * 60_000

type Needs = Stages & {
  records: Records
  store: MetricStore
  people: People
  incidents: Incidents
  noise: Noise
  maintenance: Maintenance
  snapshotPath: string
  alive: () => Promise<void>
  renewCertificate: () => Promise<boolean>
}

/** Takes over the state of the rules as it was saved last, and says when; null without one, or with a damaged one: they start anew. */
export function restoreRules(engine: Engine, path: string, log: Logger): number | null {
  const saved = loadSnapshot(path)
  if (saved === undefined) return null
  try {
    engine.restore(saved.bytes)
    return saved.savedMs
  } catch (error) {
    log.warn({ err: error }, 'the state of the rules could not be read; they start anew')
    return null
  }
}

/** Everything that is done by time. A round that takes long is not overtaken by the next. */
export function startTimers(needs: Needs): { judge(): Promise<void>; saveSnapshot(): void; stop(): void } {
  const { alerts, broker, clock, devices, engine, liveState, log, people, records, remediation, store } =
    needs
  const timers: NodeJS.Timeout[] = []

  const every = (ms: number, what: string, work: () => Promise<unknown>): void => {
    let busy = false
    timers.push(
      setInterval(() => {
        if (busy) return
        busy = true
        work()
          .catch((error: unknown) => log.error({ err: error }, what))
          .finally(() => (busy = false))
      }, ms),
    )
  }

  // Only when every alert has become an incident: what is in the snapshot is never told again.
  function snapshot(): void {
    if (alerts.size() === 0) saveSnapshot(needs.snapshotPath, engine.snapshot())
  }

  async function endOrphans(): Promise<void> {
    const active = (device: string, fingerprint: string): boolean =>
      engine.alerts(device).some((alert) => alert.fingerprint === fingerprint && alert.state === 'firing')
    const orphans = await findOrphans(
      records,
      { isActive: active, hasReported: (device) => liveState.of(device)?.reported === true },
      clock(),
    )
    if (orphans.length > 0) log.info({ count: orphans.length }, 'incidents that nothing backs any more end')
    alerts.push(orphans)
  }

  every(HUSHES_EVERY_MS, 'silences could not be read', () => needs.noise.refresh())
  every(WINDOWS_EVERY_MS, 'recurring windows could not be made', () => needs.maintenance.makeWindows(clock()))
  every(ACCOUNT_EVERY_MS, 'noise could not be accounted for', () => needs.noise.account())
  async function judge(): Promise<void> {
    const out: AlertTransition[] = []
    engine.tick(clock(), out)
    alerts.push(out.filter(({ kind }) => kind === 'firing' || kind === 'resolved'))
    await passTime(needs, clock())
    await remediation.tick(clock())
    await needs.runs.tick(clock())
  }

  every(RULES_EVERY_MS, 'the rules could not be judged by time', judge)
  every(LABS_EVERY_MS, 'labs could not be ended', async () => {
    for (const change of await devices.expireLabs())
      await broker.send(change, { type: 'policy', policy: change.policy })
  })
  every(SNAPSHOT_EVERY_MS, 'the state of the rules could not be saved', async () => snapshot())
  every(SEEN_EVERY_MS, 'the life of the server could not be noted', () => needs.alive())
  every(SEEN_EVERY_MS, 'the last sign of devices could not be noted', async () =>
    devices.seen(liveState.takeSeen()),
  )
  every(STORE_EVERY_MS, 'the store could not be maintained', async () => store.maintain(clock()))
  every(DAILY_MS, 'daily housekeeping', async () => {
    await people.sweep()
    if (await needs.renewCertificate()) log.warn('the server certificate was renewed: restart to use it')
  })
  timers.push(
    setTimeout(
      () => void endOrphans().catch((error: unknown) => log.error({ err: error }, 'orphaned incidents')),
      ORPHANS_AFTER_MS,
    ),
  )

  return {
    judge,
    saveSnapshot: snapshot,
    stop() {
      for (const timer of timers) clearTimeout(timer)
      alerts.stop()
    },
  }
}
