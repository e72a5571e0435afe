import { clientsOf } from '../access/rights.ts'
import type { Caller } from '../access/roles.ts'
import type { Audit } from '../audit/audit.ts'
import type { Logger } from '../observe/log.ts'
import { secretNames } from '../remediation/dispatch.ts'
import { insertJobs } from '../remediation/job-rows.ts'
import type { Orderer, Ports } from '../remediation/ports.ts'
import { createRemediation, type Remediation } from '../remediation/remediation.ts'
import { killSwitch } from '../remediation/settings.ts'
import { createRuns, type Runs } from '../run/runs.ts'
import { createViews, type Views } from '../run/views.ts'
import { checkParameters } from '../script/parameters.ts'
import type { Scripts } from '../script/scripts.ts'
import type { SecretBox } from '../secret/box.ts'
import { createSecrets, type Secrets } from '../secret/secrets.ts'

/** What sends scripts to devices: remedies and people's jobs, runs over many devices, and the secrets they are given. */
export type WorkParts = { remediation: Remediation; runs: Runs; views: Views; secrets: Secrets }

type Options = Pick<
  Ports,
  'records' | 'clock' | 'emit' | 'session' | 'send' | 'sign' | 'incidents' | 'tickets'
> & {
  log: Logger
  audit: Audit
  scripts: Scripts
  box: SecretBox
}

/** Builds them: jobs belong to remediation, and runs order jobs. */
export function createWork({ log, audit, scripts, box, ...shared }: Options): WorkParts {
  const { records, clock, emit } = shared
  const secrets = createSecrets({ records, clock, box })
  const note: Ports['note'] = async (db, deed) => void (await audit.appendIn(db, deed))
  const remediation = createRemediation({
    ...{ ...shared, scripts, checkParameters, secrets, clientsOf, note },
    fault: (error, doing) => log.error({ err: error, doing }, 'remediation'),
    refusal: (script, device) => scripts.refusal(script, device),
    runChanged: (run) => runs.changed(run),
  })
  const runs = createRuns({
    ...{ records, clock, emit, checkParameters, clientsOf, note, held: killSwitch },
    fault: (error, doing) => log.error({ err: error, doing }, 'runs'),
    script: (db, nameOrDigest) => scripts.find(db, nameOrDigest),
    refusal: (script, device) => scripts.refusal(script, device),
    missingSecrets: (db, client, script, values) => secrets.missing(db, client, secretNames(script, values)),
    jobs: {
      insert: insertJobs,
      send: (ids) => remediation.send(ids),
      end: (ids, why, which) => remediation.endJobs(ids, why, which),
    },
  })
  return { remediation, runs, views: createViews({ records }), secrets }
}

/** A caller as one who orders. The guard has let them through: where it asked for a second factor, it was shown. */
export function ordererOf(who: Caller | undefined): Orderer {
  return {
    name: who?.name ?? 'nobody',
    clients: who?.clients ?? null,
    proof: who?.role === 'local' ? 'local token' : who?.provenUntilMs != null ? 'second factor' : 'none',
  }
}
