import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { schedule as scheduleCron } from 'node-cron'
import type { DevicePolicy } from '../contract/down.ts'
import { VigiaError, asVigiaError } from '../contract/errors.ts'
import type { FactKind, SeriesSpec } from '../contract/report.ts'
import { createExecutor } from './act/executor.ts'
import { createCycle, type Cycle } from './collect/cycle.ts'
import { readConfig } from './config.ts'
import { runInventory } from './inventory/inventory.ts'
import { encodeFacts, encodeReport } from './link/encode.ts'
import { createLink, type Link, type LinkOptions } from './link/link.ts'
import { lockAgent } from './lock.ts'
import type { Log } from './log.ts'
import { releaseMemory } from './memory.ts'
import { openOutbox } from './outbox/outbox.ts'
import { agentPaths } from './paths.ts'
import { readPolicy, writePolicy } from './policy.ts'
import { every, offsetOf, type Recurring } from './schedule.ts'
import { createRemoteSessions } from './remote/sessions.ts'
import { describeSelf, ownVersion } from './self.ts'
import { createAuthorities } from './trust/authorities.ts'
import { createTrustKeeper } from './trust/keeper.ts'

export type Agent = {
  start(): void
  /** Ends jobs, says goodbye, and leaves everything safe on the disk. */
  stop(): Promise<void>
}

const WARM_UP_MS = 3000
const INVENTORY_AFTER_MS = 10_000
const INVENTORY_TIMEOUT_MS = 180_000
const DAY_MS = 86_400_000
const SETTLE_MS = 3000
const SELDOM_S = 900

/**
 * Wires an agent out of its data directory. Throws CONFIG_INVALID, DATA_UNREADABLE or DATA_IN_USE before anything
 * is started.
 */
export function buildAgent(options: {
  dataDir: string
  log: Log
  now: () => number
  random: () => number
  /** Faster collection for benches and tests; the policy decides otherwise. */
  policy?: DevicePolicy
  /** Shorter waits of the connection, for benches and tests. */
  waits?: Pick<LinkOptions, 'ackTimeoutMs' | 'backoff' | 'stableMs'>
}): Agent {
  const { dataDir, log, now, random } = options
  const paths = agentPaths(dataDir)
  const config = readConfig(paths.config)
  const address = { client: config.client, device: config.device }
  const [key, cert] = [readText(paths.key), readText(paths.certificate)]
  const pinned = readText(paths.trust)
  const authorities = createAuthorities({
    caPem: caOf(pinned, paths.trust),
    before: paths.authorityBefore,
    forgotten: () => log.info('the authority before is trusted no more', {}),
  })
  const version = ownVersion()
  const lock = lockAgent(paths.lock)
  mkdirSync(paths.services, { recursive: true, mode: 0o700 })

  const boot = randomBytes(8).toString('hex')
  const outbox = openOutbox({ dir: paths.outbox, boot, log })
  const link: Link = createLink({
    address,
    mqttUrl: config.mqttUrl,
    tls: {
      ...{ key, cert },
      get ca() {
        return authorities.pem()
      },
    },
    onChain: (fingerprints) => authorities.connected(fingerprints),
    outbox,
    boot,
    log,
    now,
    monotonicMs: () => performance.now(),
    random,
    ...options.waits,
    self: () =>
      describeSelf({
        killSwitch: paths.killSwitch,
        trust: trust.text(),
        version,
        now,
        commandSequence: executor.sequence(),
        sealKey: executor.sealKey(),
      }),
    // A root that came before them is checked before them.
    onCommand: (command, session) => trust.whenSettled(() => executor.command(command, session)),
    onCancel: (job) => executor.cancel(job),
    onPolicy: (policy) => takePolicy(policy),
    onTrust: (roots) => trust.take(roots),
    onRemote: (message, session) => trust.whenSettled(() => remote.receive(message, session)),
    onDisconnected: () => remote.disconnected(),
  })
  const executor = createExecutor({
    dataDir,
    address,
    boot,
    outbox,
    log,
    now,
    wake: () => link.wake(),
    publishOutput: (json) => link.publishOutput(json),
  })
  const remote = createRemoteSessions({
    dataDir,
    address,
    log,
    publish: (channel, payload) => link.publishRemote(channel, payload),
  })
  const trust = createTrustKeeper({
    paths,
    text: pinned,
    log,
    changed(text) {
      authorities.changed(caOf(text, paths.trust))
      link.helloAgain()
    },
  })
  let policy = options.policy ?? readPolicy(paths.policy, log)
  const cycle: Cycle = createCycle({
    policy,
    dataDir,
    log,
    outbox: () => outbox.stats(),
  })

  const layouts = new Map<string, { series: readonly SeriesSpec[]; hash: string }>()
  const layoutOf = (name: string, series: readonly SeriesSpec[]): string => {
    const known = layouts.get(name)
    // A cycle hands over the same array until its series change.
    if (known?.series === series && outbox.hasLayout(known.hash)) return known.hash
    const hash = outbox.putLayout(series)
    layouts.set(name, { series, hash })
    if (known?.hash !== hash) link.publishLayout(hash)
    return hash
  }
  const addReport = (
    name: string,
    timeMs: number,
    { series, values }: { series: readonly SeriesSpec[]; values: number[] },
  ): void => {
    if (series.length === 0) return
    const hash = layoutOf(name, series)
    outbox.append({
      kind: 'report',
      timeMs,
      hash,
      encode: (seq) => encodeReport({ hash, boot, seq, timeMs, values }),
    })
  }
  const addFacts = (timeMs: number, facts: readonly { kind: FactKind; document: object }[]): void => {
    for (const { kind, document } of facts) {
      const json = JSON.stringify(document)
      outbox.append({
        kind: 'facts',
        timeMs,
        encode: (seq) => encodeFacts({ kind, boot, seq, timeMs, json }),
      })
    }
  }

  let groups: Recurring[] = []
  const lay = (): void => {
    for (const group of groups) group.stop()
    groups = [...cycle.groups().keys()].map((intervalS) =>
      every({
        intervalMs: intervalS * 1000,
        offsetMs: offsetOf(config.device, intervalS * 1000),
        warmUpMs: WARM_UP_MS,
        now,
        log,
        name: `every ${String(intervalS)} s`,
        async work() {
          const timeMs = Math.trunc(now())
          const report = await cycle.run(timeMs, intervalS)
          addReport(String(intervalS), timeMs, report)
          addFacts(timeMs, report.facts)
          link.wake()
          // What is read that seldom is read in large pieces.
          if (intervalS >= SELDOM_S) setTimeout(releaseMemory, SETTLE_MS).unref()
        },
      }),
    )
  }
  const takePolicy = (next: DevicePolicy): void => {
    if (JSON.stringify(next) === JSON.stringify(policy)) return
    policy = next
    writePolicy(paths.policy, next, log)
    log.info('a new policy', { version: next.version, intervalS: next.intervalS })
    if (cycle.setPolicy(next)) lay()
  }

  const ending = new AbortController()
  let taking: Promise<void> | undefined
  const inventory = (): void => {
    taking ??= runInventory({ timeoutMs: INVENTORY_TIMEOUT_MS, log, signal: ending.signal })
      .then((found) => {
        if (ending.signal.aborted) return
        const timeMs = Math.trunc(now())
        addFacts(timeMs, found.facts)
        addReport('inventory', timeMs, found)
        link.wake()
        log.info('the inventory is told', { facts: found.facts.map(({ kind }) => kind) })
      })
      .catch((thrown: unknown) => log.error('the inventory failed', { error: asVigiaError(thrown).message }))
      .finally(() => {
        taking = undefined
        setTimeout(releaseMemory, SETTLE_MS).unref()
      })
  }
  const timers: { stop(): unknown }[] = []

  return {
    start() {
      log.info('the agent starts', { version, boot, client: config.client, device: config.device })
      executor.recover()
      link.start()
      lay()
      const first = setTimeout(inventory, INVENTORY_AFTER_MS)
      const minute = Math.floor(offsetOf(config.device, DAY_MS) / 60_000)
      const daily = `${String(minute % 60)} ${String(Math.floor(minute / 60))} * * *`
      timers.push(
        { stop: () => clearTimeout(first) },
        scheduleCron(daily, inventory, { noOverlap: true }),
        scheduleCron(`${String(minute % 60)} * * * *`, () => outbox.sweep(now()), { noOverlap: true }),
      )
    },
    async stop() {
      for (const timer of timers) await timer.stop()
      for (const group of groups) group.stop()
      ending.abort()
      await taking
      await Promise.all([executor.stop(), remote.stop(), trust.stop()])
      await link.stop()
      await outbox.close()
      lock.release()
      log.info('the agent has stopped', {})
    },
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new VigiaError('DATA_UNREADABLE', `Cannot read ${path}: ${String(thrown)}`, { cause: thrown })
  }
}

function caOf(trust: string, path: string): string {
  const found: unknown = JSON.parse(trust)
  if (typeof found === 'object' && found !== null && 'caPem' in found && typeof found.caPem === 'string')
    return found.caPem
  throw new VigiaError('CONFIG_INVALID', `${path} names no certificate authority: enrol this device again`)
}
