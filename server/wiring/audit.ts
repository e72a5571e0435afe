import { join } from 'node:path'
import type { Clock } from '../../contract/clock.ts'
import { createAnchors, readAnchors, type OutsideAnchors } from '../audit/anchors.ts'
import { createAudit, type Audit } from '../audit/audit.ts'
import type { HealthProbe } from '../observe/health.ts'
import type { Logger } from '../observe/log.ts'
import type { Records } from '../records/records.ts'

/** The audit log with its heads noted outside the table, as long as the server runs. */
export function openAudit(options: {
  records: Records
  clock: Clock
  dataDir: string
  outside: OutsideAnchors
  log: Logger
  undo: (() => void | Promise<void>)[]
}): { audit: Audit; anchors: { health: HealthProbe } } {
  const { records, clock, outside, log } = options
  const file = join(options.dataDir, 'audit.anchor')
  const audit = createAudit({
    ...{ records, clock },
    noted: () => readAnchors(file),
    appended: () => anchors.appended(),
  })
  const anchors = createAnchors({
    ...{ file, outside, audit, clock },
    fault: (error, doing) => log.error({ err: error }, doing),
  })
  anchors.start()
  options.undo.push(() => anchors.stop())
  return { audit, anchors }
}
