import { VigiaError } from '../../../contract/errors.ts'
import type { IncidentReplay } from '../../../contract/rule-views.ts'
import type { RuleSpec } from '../../../contract/rules.ts'
import type { CompiledRule } from '../../../rules/language/compiled.ts'
import { loadPacks, type PackSource } from '../../../rules/language/parse.ts'
import { applyOverrides, overridesFor } from '../../../rules/language/variant.ts'
import type { DeviceContext } from '../../../rules/selector.ts'
import type { Records } from '../../records/records.ts'
import { ms } from '../../records/schema.ts'
import type { Recorded } from './messages.ts'
import { withReferences } from './side.ts'
import type { RuleHistory } from '../history/history.ts'

/** The pack under which a rule is run again as it was. */
const REPLAY_PACK = 'replay'

/** The command that runs an incident's rule again over the same samples. */
export function replayCommand(incident: string): string {
  return `vigia rules backtest --incident ${incident}`
}

/** The rule of an incident as it was, for whoever looks at the incident. */
export async function replayOf(
  history: Pick<RuleHistory, 'version'>,
  incident: { id: string; rule: string; ruleVersion: string },
): Promise<IncidentReplay> {
  const kept = await history.version(incident.rule, incident.ruleVersion)
  return {
    command: replayCommand(incident.id),
    rule: incident.rule,
    ruleVersion: incident.ruleVersion,
    pack: kept?.pack ?? null,
    spec: kept?.spec ?? null,
    firstSeenMs: kept?.firstSeenMs ?? null,
  }
}

/**
 * What a replay of an incident runs: the alert that it is about as its story tells it, and one pack with its rule in
 * the version that fired, beside the rules that it looks at as they are now. NOT_FOUND says what is missing.
 */
export async function replaySource(
  needs: {
    records: Records
    history: Pick<RuleHistory, 'version'>
    rules: () => readonly CompiledRule[]
    context: (device: string) => DeviceContext | undefined
  },
  incident: string,
): Promise<{ recorded: Recorded; packs: PackSource[]; sinceMs: number }> {
  const { judgedFromMs, ...found } = await readRecorded(needs.records, incident)
  const kept = await needs.history.version(found.rule, found.ruleVersion)
  if (kept === undefined)
    throw new VigiaError(
      'NOT_FOUND',
      `Version ${found.ruleVersion} of ${found.rule} is not kept: the incident is older than the versions that are.`,
    )
  const context = needs.context(found.device)
  const now = needs.rules().filter(({ spec }) => spec.name !== found.rule)
  const [own] = loadPacks([packOf([kept.spec])], { among: now })
  if (own === undefined) throw new VigiaError('INTERNAL', `${found.rule} gave no rule`)
  const needed = withReferences([own, ...now], found.rule)
  const specs = needed.map((rule) =>
    context === undefined || rule === own
      ? rule.spec
      : applyOverrides(rule, overridesFor(rule, context)).rule.spec,
  )
  const byClock = own.detector.driven === 'time'
  // Not with the version: what was on its way when it came into force was judged by it already, and the same version
  // may have been in force before. What judges by time has no first sample; there the version is near enough.
  const sinceMs = judgedFromMs ?? Math.min(kept.firstSeenMs, found.atMs)
  return { recorded: { ...found, byClock }, packs: [packOf(specs)], sinceMs }
}

/** JSON is YAML. A rule that only some devices have is switched on, since it was. */
function packOf(specs: readonly RuleSpec[]): PackSource {
  const rules = specs.map((spec) => ({ ...spec, enabled: true }))
  return { file: `${REPLAY_PACK}.yaml`, text: JSON.stringify({ pack: REPLAY_PACK, version: 1, rules }) }
}

async function readRecorded(
  records: Records,
  incident: string,
): Promise<Omit<Recorded, 'byClock'> & { judgedFromMs: number | undefined }> {
  const { row, events } = await records.operator(async (db) => ({
    row: await db
      .selectFrom('incident')
      .select(['device_id', 'rule', 'rule_version'])
      .where('incident_id', '=', incident)
      .executeTakeFirst(),
    events: await db
      .selectFrom('incident_event')
      .select(['at', 'kind', 'detail'])
      .where('incident_id', '=', incident)
      .orderBy('event_id')
      .execute(),
  }))
  if (row === undefined) throw new VigiaError('NOT_FOUND', `There is no incident ${incident}.`)
  const { device_id: device, rule, rule_version: ruleVersion } = row
  if (device === null)
    throw new VigiaError('NOT_FOUND', 'The incident is of a whole site: no samples of one device opened it.')
  // The first word of the rule that the incident is about; a graver one may have joined later.
  const first = events.find(
    ({ kind, detail }) =>
      ['opened', 'reopened', 'evidence'].includes(kind) &&
      detail['rule'] === rule &&
      detail['cleared'] !== true,
  )
  const { fingerprint, value, sentence, saidAtMs, judgedFromMs } = first?.detail ?? {}
  if (first === undefined || typeof fingerprint !== 'string')
    throw new VigiaError('NOT_FOUND', `The story of the incident does not tell which alert opened it.`)
  return {
    ...{ incident, device, rule, ruleVersion, fingerprint },
    // An incident that was held back opened later than its rule spoke.
    atMs: typeof saidAtMs === 'number' ? saidAtMs : ms(first.at),
    value: typeof value === 'number' ? value : null,
    sentence: typeof sentence === 'string' ? sentence : '',
    judgedFromMs: typeof judgedFromMs === 'number' ? judgedFromMs : undefined,
  }
}
