import type { AlertTransition } from '../../contract/rules.ts'
import type { Records } from '../records/records.ts'

/**
 * Alerts that an open incident still counts on although the rules, which have seen the device again since the start of
 * this server, do not: the condition ended, or the rule went, while the server was away without a whole snapshot.
 * Answers one `resolved` for each, so that no incident stays open for ever.
 */
export async function findOrphans(
  records: Records,
  rules: {
    isActive: (device: string, fingerprint: string) => boolean
    hasReported: (device: string) => boolean
  },
  nowMs: number,
): Promise<AlertTransition[]> {
  const open = await records.operator((db) =>
    // An incident of a whole site counts on no alert itself; those of its devices stand among the held ones.
    db
      .selectFrom('incident')
      .select([
        'client_id',
        'device_id',
        'rule',
        'rule_version',
        'cause',
        'metric',
        'labels',
        'fingerprints',
        'evidence',
      ])
      .where('state', '<>', 'resolved')
      .where('scope', '=', 'device')
      .execute(),
  )
  const held = await records.operator((db) =>
    db.selectFrom('alert_state').select(['device_id', 'alert']).where('firing', '=', true).execute(),
  )
  const ends = (evidence: AlertTransition['evidence']): AlertTransition['evidence'] => ({
    ...evidence,
    value: null,
    sentence: 'The rule does not hold any more since the server started again.',
  })
  const ofIncidents = open
    .filter((row) => rules.hasReported(row.device_id))
    .flatMap((row) =>
      row.fingerprints
        .filter((fingerprint) => !rules.isActive(row.device_id, fingerprint))
        .map((fingerprint): AlertTransition => ({
          kind: 'resolved',
          rule: row.rule,
          ruleVersion: row.rule_version,
          cause: row.cause,
          client: row.client_id,
          device: row.device_id,
          metric: row.metric,
          labels: row.labels,
          fingerprint,
          atMs: nowMs,
          evidence: ends(row.evidence),
        })),
    )
  // Alerts that noise control holds have no incident of their own, or one that counts on them: each is told once.
  const told = new Set(ofIncidents.map(({ device, fingerprint }) => `${device} ${fingerprint}`))
  const ofHeld = held
    .filter((row) => rules.hasReported(row.device_id))
    .filter(({ alert }) => !rules.isActive(alert.device, alert.fingerprint))
    .filter(({ alert }) => !told.has(`${alert.device} ${alert.fingerprint}`))
    .map(({ alert }): AlertTransition => ({
      ...alert,
      kind: 'resolved',
      atMs: nowMs,
      evidence: ends(alert.evidence),
    }))
  return [...ofIncidents, ...ofHeld]
}
