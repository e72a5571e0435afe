import type { Registry } from 'prom-client'
import type { Clock } from '../../contract/clock.ts'
import type { CoverageRow } from '../../contract/coverage.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Health } from '../../contract/views.ts'
import type { Engine } from '../../rules/engine/engine.ts'
import type { LocalToken } from '../access/local-token.ts'
import type { Factors } from '../access/factors.ts'
import type { People } from '../access/people.ts'
import type { Audit } from '../audit/audit.ts'
import type { Broker } from '../broker/broker.ts'
import type { createClients } from '../fleet/clients.ts'
import type { Devices } from '../fleet/devices.ts'
import type { Maintenance } from '../fleet/maintenance.ts'
import type { Noise } from './noise.ts'
import type { Documents } from '../fleet/documents.ts'
import type { Enrolment } from '../fleet/enrol.ts'
import type { Trust } from '../fleet/trust-book.ts'
import type { HostileBook } from '../hostile-book.ts'
import type { Incidents } from '../incident/incidents.ts'
import type { LiveState } from '../live-state.ts'
import type { Live } from '../notify/live.ts'
import type { Logger } from '../observe/log.ts'
import type { Records } from '../records/records.ts'
import type { Backtests } from '../rules/backtest/backtests.ts'
import type { Coverage } from '../rules/coverage.ts'
import type { RuleHistory } from '../rules/history/history.ts'
import type { Applied, RuleBook } from '../rules/rule-book.ts'
import type { WorkParts } from './work.ts'
import type { Remote } from '../remote/ports.ts'
import type { Scripts } from '../script/scripts.ts'
import type { MetricStore } from '../store/store.ts'
import type { Tickets } from '../ticket/tickets.ts'

/** The built parts of a server, as its routes use them. */
export type Parts = WorkParts & {
  clock: Clock
  log: Logger
  registry: Registry
  live: Live
  liveState: LiveState
  records: Records
  store: MetricStore
  broker: Broker
  engine: Engine
  ruleBook: RuleBook
  ruleHistory: RuleHistory
  reloadRules: () => Promise<Applied>
  coverage: Coverage
  /** One row for each rule that selects the device. */
  coverageRows: (device: string) => CoverageRow[]
  backtests: Backtests
  people: People
  secondFactors: Factors['secondFactors']
  passkeys: Factors['passkeys']
  localToken: LocalToken
  audit: Audit
  clients: ReturnType<typeof createClients>
  devices: Devices
  documents: Documents
  enrolment: Enrolment
  maintenance: Maintenance
  noise: Noise
  trust: Trust
  hostile: HostileBook
  incidents: Incidents
  scripts: Scripts
  remote: Remote
  tickets: Tickets
  health: () => Promise<Health>
  backup: (file: string) => Promise<{ bytes: number; tables: number; files: number }>
  /** Every device that is known and not revoked. */
  deviceAddresses: () => Iterable<DeviceAddress>
  /** A device was enrolled or changed: rules and broker learn of it. */
  deviceChanged: (device: string) => Promise<void>
  /** A device was revoked: rules and broker forget it. */
  deviceGone: (device: string) => Promise<void>
}
