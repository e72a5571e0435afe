import type { Command } from 'commander'
import { fleetThreshold } from '../../contract/trust/approval.ts'
import { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { readRoot } from '../../contract/trust/chain.ts'
import { openKeyStore, personalKeyDirectory } from '../../server/script/key-store.ts'
import { projectKey } from '../../server/script/library.ts'
import { APPROVER_KEY } from '../sign/approver-key.ts'
import { contextOf, type Context } from '../command.ts'
import { confirm, tellerOf } from '../confirm.ts'
import { numberOption } from '../options.ts'
import { changesOf, describeRoot } from './describe.ts'
import { newDraft, readDraft, rootsOf, signDraft, standingOf, writeDraft, type Draft } from './draft-file.ts'
import { editRoot, type EditOptions } from './edit.ts'
import { keyOfText } from './key-text.ts'
import { cautions, foreignPublishers, rememberRoot } from './signed-roots.ts'

/** `vigia trust show | draft | sign | apply | add-technician`: who may approve, order and open, by signatures alone. */
export function registerTrust(program: Command): void {
  const trust = program
    .command('trust')
    .description('the trust root: who may approve, order and open sessions')
  trust
    .command('show')
    .description('the root in force, and which devices know it')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const answer = await server.call('trust')
      out.print(answer, () => [
        ...describeRoot(answer.root),
        `  Pin          ${answer.pin}`,
        ...answer.devices.map(
          ({ version, devices }) => `  Devices      ${devices} have pinned root ${version}`,
        ),
      ])
    })
  registerDraft(trust)
  trust
    .command('sign <file>')
    .description('read what a draft changes, and add the signature of your own key to the file')
    .option('--key <name>', 'which key of your key store', APPROVER_KEY)
    .option('--yes', 'sign without being asked')
    .action(async (file: string, options: { key: string; yes?: boolean }, command: Command) => {
      const { out } = contextOf(command)
      const signed = await sign(out, readDraft(file), options)
      writeDraft(file, signed, true)
      const { signed: by, missing } = standingOf(signed)
      out.print({ file, signed: by.map(({ keyid }) => keyid), missing }, () => [
        `Signed by ${by.map(({ name }) => name).join(', ')}.`,
        missing.length === 0
          ? `That is enough. Put it in force with "vigia trust apply ${file}".`
          : `It still needs ${missing.join('; and ')}: give them the file, for "vigia trust sign ${file}".`,
      ])
    })
  trust
    .command('apply <file>')
    .description('put a signed root in force: the server hands it to every device, and each checks it itself')
    .action(async (file: string, _options: unknown, command: Command) => {
      const context = contextOf(command)
      await apply(context, readDraft(file))
    })
  trust
    .command('add-technician <key>')
    .description(
      'let a key open remote sessions: draft, sign and apply at once, where one approver is enough',
    )
    .requiredOption('--name <name>', 'whose key it is, as the person at the machine is shown')
    .option('--key <name>', 'which key of your key store signs', APPROVER_KEY)
    .option('--yes', 'sign without being asked')
    // One public key in 64 begins with a hyphen.
    .allowUnknownOption()
    .action(async (text: string, options: { name: string; key: string; yes?: boolean }, command: Command) => {
      const context = contextOf(command)
      const technician = keyOfText(text, options.name)
      const { text: was } = await context.server.call('trustText')
      const before = readRoot(was)
      if (fleetThreshold(before) > 1)
        throw new VigiaError(
          'TRUST_THRESHOLD',
          `The next root takes ${fleetThreshold(before)} approvers. Draft it with "vigia trust draft --add-technician ${options.name}=${text} --out next.json".`,
        )
      const next = editRoot(before, { addTechnician: [`${technician.name}=${technician.publicKey}`] })
      await apply(context, await sign(context.out, newDraft(was, next), options))
    })
}

type DraftOptions = EditOptions & { out: string; fromServer?: boolean; from?: string }

function registerDraft(trust: Command): void {
  trust
    .command('draft')
    .description('write the next root, with what you change, to a file that approvers sign')
    .requiredOption('--out <file>', 'where to write it')
    .option(
      '--add-approver <key...>',
      'a file of "vigia keys show", NAME=PUBLICKEY, or a key of your own store',
    )
    .option('--remove-approver <keyid...>', 'by key id (8 digits are enough) or name')
    .addOption(numberOption('--threshold <number>', 'approvals for code that names its devices'))
    .addOption(numberOption('--fleet-threshold <number>', 'approvals for any device, ad-hoc code and roots'))
    .option('--add-publisher <key...>', 'a key of the project that signs what ships')
    .option('--remove-publisher <keyid...>', 'by key id or name')
    .option('--add-technician <key...>', 'who may open terminals, files and screens')
    .option('--remove-technician <keyid...>', 'by key id or name')
    .option('--revoke-script <digest...>', 'a script version that must not run any more, whoever signed it')
    .option('--remote <file>', 'JSON with what changes in the policies of workstations and servers')
    .option('--limits <hour,script>', 'orders that a device takes in an hour, and of one script')
    .option('--from-server', "take the server's present online key, project key and authority into it")
    .option('--from <file>', 'change a draft instead of the root in force; works without the server')
    .action(async (options: DraftOptions, command: Command) => {
      const { server, out } = contextOf(command)
      if (options.from !== undefined && options.fromServer)
        throw new VigiaError('USAGE', '--from and --from-server exclude each other.')
      const draft =
        options.from === undefined
          ? await draftFromServer(await server.call('trustText'), options)
          : draftFromDraft(readDraft(options.from), options)
      writeDraft(options.out, draft, false)
      const { before, next } = rootsOf(draft)
      const { missing } = standingOf(draft)
      out.print(
        { file: options.out, version: next.version, changes: changesOf(before, next), missing },
        () => [
          ...changesOf(before, next).map((change) => `  ${change}`),
          `Root ${next.version} is written to ${options.out}; it needs ${missing.join('; and ')}.`,
          `Each signs it with "vigia trust sign ${options.out}".`,
        ],
      )
    })
}

async function draftFromServer(
  { text, wanted }: { text: string; wanted: string },
  options: DraftOptions,
): Promise<Draft> {
  return newDraft(text, editRoot(readRoot(options.fromServer ? wanted : text), options))
}

function draftFromDraft(draft: Draft, options: DraftOptions): Draft {
  const { next } = rootsOf(draft)
  return newDraft(draft.was, { ...editRoot(next, options), version: next.version })
}

async function sign(
  out: Context['out'],
  draft: Draft,
  { key: name, yes }: { key: string; yes?: boolean },
): Promise<Draft> {
  const store = openKeyStore(personalKeyDirectory(process.env))
  const key = store.load(name)
  const { before, next } = rootsOf(draft)
  if (
    ![before, next].some(({ approvers }) =>
      approvers.keys.some(({ publicKey }) => publicKey === key.publicKey),
    )
  )
    throw new VigiaError('CONFLICT', `${key.name} (${key.keyid.slice(0, 16)}) is no approver of either root.`)
  const tell = tellerOf(out, yes === true)
  for (const line of [...describeRoot(next), '', `Changes from root ${before.version}:`]) tell(line)
  for (const change of changesOf(before, next)) tell(`  ${change}`)
  for (const line of foreignPublishers(next, projectKey())) tell(line)
  for (const line of cautions(store.directory, draft.was, next)) tell(line)
  await confirm(`Sign root ${next.version} with ${key.name}?`, yes === true)
  rememberRoot(store.directory, Buffer.from(draft.envelope.payload, 'base64').toString('utf8'))
  return signDraft(draft, key)
}

async function apply({ server, out }: Context, draft: Draft): Promise<void> {
  const envelope = DsseEnvelope.safeParse(draft.envelope)
  if (!envelope.success)
    throw new VigiaError('TRUST_THRESHOLD', 'Nobody has signed it yet: sign it with "vigia trust sign FILE".')
  const { version, pin } = await server.call('applyTrust', { body: envelope.data })
  out.print({ version, pin }, () => [
    `Root ${version} is in force; devices that are connected have it in a moment, the others when they come back.`,
    `Pin ${pin}. See who has it with "vigia trust show".`,
  ])
}
