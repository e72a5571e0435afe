import { existsSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { approvalNeed } from '../../contract/trust/approval.ts'
import { DeviceId } from '../../contract/ids.ts'
import type { ScriptContent, ScriptParameter } from '../../contract/command.ts'
import { DsseEnvelope, SCRIPT_TYPE } from '../../contract/trust/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { openKeyStore, personalKeyDirectory } from '../../server/script/key-store.ts'
import type { SigningKey } from '../../server/script/keys.ts'
import { openScript, scriptPayload } from '../../server/script/library.ts'
import { payloadDigest, seal } from '../../server/script/sign.ts'
import { signersOf } from '../../server/script/verify.ts'
import { APPROVER_KEY } from './approver-key.ts'
import { contextOf, type Context } from '../command.ts'
import { confirm, tellerOf } from '../confirm.ts'
import { numberOption } from '../options.ts'
import { readScriptFile, type ScriptFileOptions } from './script-file.ts'
import { jsonOf } from '../trust/key-text.ts'
import { momentOf } from '../work/request.ts'

type Options = ScriptFileOptions & {
  key: string
  device?: string[]
  adHoc?: boolean
  until?: string
  out?: string
  yes?: boolean
}

/** `vigia approve`. */
export function registerApprove(program: Command): void {
  program
    .command('approve <file>')
    .description(
      'sign a script with your own key. FILE is NAME.yaml with its body beside it, a bare script, a file that another approver signed, or the digest of a script that waits on the server',
    )
    .option('--key <name>', 'which key of your key store', APPROVER_KEY)
    .option('--device <device...>', 'only for these devices, by id; at most ten: fewer approvers are enough')
    .option(
      '--ad-hoc',
      'typed for one occasion: takes as many approvers as a whole fleet, and ends in a week',
    )
    .option('--until <time>', 'when the approval ends, such as 2026-12-24T22:00:00Z')
    .option('--out <file>', 'write the signed script to a file instead of handing it to the server')
    .option('--yes', 'sign without being asked')
    .addOption(numberOption('--script-version <number>', 'version of a bare script', 1))
    .addOption(numberOption('--timeout <seconds>', 'time limit of a bare script', 300))
    .action(async (file: string, options: Options, command: Command) => {
      const context = contextOf(command)
      const offered = await readOffered(context, file, options)
      const store = openKeyStore(personalKeyDirectory(process.env))
      // On the server's machine, where no approver has a key, what others signed is only handed in.
      const handOnly = offered.signatures.length > 0 && options.out === undefined && !store.has(options.key)
      const envelope = handOnly
        ? { ...seal(SCRIPT_TYPE, offered.payload, []), signatures: offered.signatures }
        : await signOffered(context, offered, store.load(options.key), options)
      if (options.out === undefined) await handIn(context, envelope)
      else writeOut(context, envelope, options.out)
    })
}

/** A script that may bear signatures already. */
type Offered = { content: ScriptContent; payload: Uint8Array; signatures: DsseEnvelope['signatures'] }

async function readOffered({ server }: Context, file: string, options: Options): Promise<Offered> {
  if (!existsSync(file) && /^[0-9a-f]{64}$/.test(file)) {
    refuseChanges(options)
    const { script } = await server.call('script', { params: { name: file } })
    const { payload } = script
    // Signed are the bytes: a server that shows another content than it names gets no signature for either.
    if (payloadDigest({ payload }) !== file)
      throw new VigiaError('COMMAND_FORGED', 'The server shows another script than the digest names.')
    return { ...readSigned({ payloadType: SCRIPT_TYPE, payload, signatures: [] }), signatures: [] }
  }
  if (!existsSync(file) && /^[0-9a-f]{8,63}$/.test(file))
    throw new VigiaError(
      'NOT_FOUND',
      `There is no file ${file}; a digest is signed by all of its 64 digits, which "vigia scripts show ${file}" shows.`,
    )
  if (!existsSync(file)) throw new VigiaError('NOT_FOUND', `There is no file ${file}.`)
  if (file.endsWith('.json')) {
    refuseChanges(options)
    const parsed = DsseEnvelope.safeParse(jsonOf(file))
    if (!parsed.success) throw new VigiaError('REQUEST_INVALID', `${file} is no signed script.`)
    return { ...readSigned(parsed.data), signatures: parsed.data.signatures }
  }
  const { device: devices } = options
  for (const device of devices ?? [])
    if (!DeviceId.safeParse(device).success)
      throw new VigiaError('USAGE', `${device} is no device id; "vigia devices" shows them.`)
  const read = readScriptFile(file, options, {
    ...(options.adHoc ? { kind: 'ad-hoc' as const } : {}),
    ...(devices ? { devices } : {}),
  })
  const content = { ...read, ...endOf(read, options) }
  return { content, payload: scriptPayload(content), signatures: [] }
}

/** What is signed and its bytes; COMMAND_MALFORMED for a field that is not shown, since a newer agent might heed it. */
function readSigned(envelope: DsseEnvelope): Pick<Offered, 'content' | 'payload'> {
  const content = openScript(envelope)
  const payload = Buffer.from(envelope.payload, 'base64')
  const unseen = unseenFields(JSON.parse(payload.toString()), content)
  if (unseen.length > 0)
    throw new VigiaError(
      'COMMAND_MALFORMED',
      `The script holds what this Vigía does not know: ${unseen.join(', ')}.`,
    )
  return { content, payload }
}

/** Paths of what the first has and the second has not. */
function unseenFields(from: unknown, to: unknown, path = ''): string[] {
  if (typeof from !== 'object' || from === null) return []
  const there =
    typeof to === 'object' && to !== null ? new Map(Object.entries(to)) : new Map<string, unknown>()
  return Object.entries(from).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`
    return there.has(name) ? unseenFields(value, there.get(name), at) : [at]
  })
}

function refuseChanges({ adHoc, device, until }: Options): void {
  if (adHoc || device || until !== undefined)
    throw new VigiaError(
      'USAGE',
      'What another has signed stays as it is: leave out --device, --ad-hoc and --until.',
    )
}

const AD_HOC_DAYS = 7

/** When the approval ends. What is for one occasion ends by itself, at the end of a day so that two approvers sign the same. */
function endOf(
  { kind, approvedUntilMs: own }: ScriptContent,
  { until }: Options,
): Pick<ScriptContent, 'approvedUntilMs'> {
  if (until !== undefined) {
    const approvedUntilMs = momentOf('--until', until)
    if (approvedUntilMs <= Date.now()) throw new VigiaError('USAGE', `--until ${until} is over already.`)
    return { approvedUntilMs }
  }
  if (kind !== 'ad-hoc' || own !== undefined) return {}
  return { approvedUntilMs: new Date().setUTCHours(24 * (AD_HOC_DAYS + 1), 0, 0, -1) }
}

/** Shows what is signed, asks, and adds the signature; one that the key has given before is not asked for again. */
async function signOffered(
  context: Context,
  { content, payload, signatures }: Offered,
  key: SigningKey,
  options: Options,
): Promise<DsseEnvelope> {
  const fresh = seal(SCRIPT_TYPE, payload, [key])
  if (signersOf({ ...fresh, signatures }, [key]).length > 0) return { ...fresh, signatures }
  const tell = tellerOf(context.out, options.yes === true)
  for (const line of describe(content, payloadDigest(fresh), signatures.length)) tell(line)
  tell(`  Needs        ${await needOf(context, content, options.out !== undefined)}`)
  tell('')
  for (const line of content.body.split('\n')) tell(`  | ${line}`)
  await confirm(`Approve ${content.name} version ${content.version} with ${key.name}?`, options.yes === true)
  const others = signatures.filter(({ keyid }) => keyid !== key.keyid)
  return { ...fresh, signatures: [...others, ...fresh.signatures] }
}

/** All that a signature says yes to beside the body: what is not shown here could be anything. */
export function describe(content: ScriptContent, digest: string, signatures: number): string[] {
  const { kind, devices, interpreter, systems, privilege, timeoutS, limits, approvedUntilMs } = content
  const { memoryMb, processes, writtenMb } = limits
  const parameters = Object.entries(content.parameters).map(
    ([name, schema]) => `${name}: ${valuesOf(schema)}${schema.help === '' ? '' : `; ${schema.help}`}`,
  )
  const outputs = Object.entries(content.outputs).map(
    ([name, { type, unit, help }]) => `${name}: ${type}${unit === '' ? '' : ` in ${unit}`}, ${help}`,
  )
  const exits = [
    `success is ${content.successCodes.join(', ')}`,
    ...Object.entries(content.exitCodes).map(([code, words]) => `${code}: ${words}`),
  ]
  return [
    `  Script       ${content.name} version ${content.version}: ${oneLine(content.title)}`,
    ...rows('About', [`${content.category}: ${content.description}`]),
    ...rows('Changes', [content.changes]),
    `  Kind         ${kind}, ${interpreter} on ${systems.join(', ')}, as ${privilege}, at most ${timeoutS} s`,
    `  Limits       ${memoryMb} MB of memory, ${processes} processes, files of ${writtenMb} MB`,
    `  Again        ${content.idempotent ? 'may be run twice without harm, and is tried again by itself' : 'is not tried again by itself'}`,
    `  Dry run      ${content.dryRun ? 'changes nothing when it is told so' : 'none'}`,
    ...rows('Parameters', parameters.length === 0 ? ['none'] : parameters),
    ...rows('Outputs', outputs),
    ...rows('Exits', exits),
    `  Devices      ${devices === null ? 'any device' : devices.join(', ')}`,
    `  Until        ${approvedUntilMs === undefined ? 'it is withdrawn' : new Date(approvedUntilMs).toISOString()}`,
    `  Digest       ${digest}`,
    `  Signatures   ${signatures} so far`,
  ]
}

/** What may be given: the server's owner can order with all of it. */
function valuesOf(schema: ScriptParameter): string {
  const preset =
    'default' in schema && schema.default !== undefined ? `, else ${JSON.stringify(schema.default)}` : ''
  switch (schema.type) {
    case 'string':
      return `text of at most ${schema.maxLength} characters, as ${schema.pattern}${preset}`
    case 'integer':
      return `whole number, ${schema.min} to ${schema.max}${preset}`
    case 'choice':
      return `${schema.choices.map((choice) => JSON.stringify(choice)).join(' or ')}${preset}`
    case 'boolean':
      return `true or false${preset}`
    case 'secret':
      return 'a secret of the server, by its name'
    default:
      return schema satisfies never
  }
}

/** Texts of the script cannot look like a line of another kind: each stays in its own. */
function rows(title: string, texts: readonly string[]): string[] {
  return texts.map((text, place) => `  ${(place === 0 ? title : '').padEnd(12)} ${oneLine(text)}`)
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\u2028\u2029]+/g, ' ')
}

async function needOf({ server }: Context, content: ScriptContent, offline: boolean): Promise<string> {
  if (offline)
    return content.kind === 'library' && content.devices !== null
      ? "as many approvers as the trust root's threshold"
      : "as many approvers as the trust root's threshold for the fleet"
  const { root } = await server.call('trust')
  const { approvers } = approvalNeed(root, content)
  return `${approvers} of ${root.approvers.keys.length} approvers (${root.approvers.keys.map(({ name }) => name).join(', ')})`
}

async function handIn({ server, out }: Context, envelope: DsseEnvelope): Promise<void> {
  const stored = await server.call('addScript', { body: envelope })
  out.print(stored, () => [
    `${stored.name} version ${stored.version} is on the server.`,
    ...(stored.lacking > 0
      ? [
          `It waits for ${stored.lacking} more ${stored.lacking === 1 ? 'approval' : 'approvals'}: another approver reads and signs it with`,
          `"vigia approve ${stored.digest}".`,
        ]
      : [`Digest ${stored.digest}. Run it with "vigia run ${stored.name} --device D --follow".`]),
  ])
}

function writeOut({ out }: Context, envelope: DsseEnvelope, file: string): void {
  writeFileSync(file, `${JSON.stringify(envelope, null, 2)}\n`)
  const digest = payloadDigest(envelope)
  out.print({ file, digest, signatures: envelope.signatures.length }, () => [
    `Written to ${file} with ${envelope.signatures.length} signatures; digest ${digest}.`,
    `Another approver adds theirs with "vigia approve ${file} --out ${file}"; hand it in with "vigia approve ${file}".`,
  ])
}
