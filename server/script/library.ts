import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type * as z from 'zod'
import { ScriptContent } from '../../contract/command.ts'
import { TrustedKey } from '../../contract/trust/root.ts'
import { DsseEnvelope, SCRIPT_TYPE } from '../../contract/trust/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { declarationFaults } from '../../contract/parameters.ts'
import { payloadDigest } from './sign.ts'
import { signersOf } from './verify.ts'

/**
 * Where the scripts that ship lie: NAME.yaml (what it is) and NAME.sh (its body; the extension follows the interpreter)
 * in a folder for the systems that it is for, `linux`, `windows`, `macos` or `any`; both together, signed, in
 * signed/NAME.dsse.json beside the project's public key.
 */
export const LIBRARY_DIRECTORY = join(import.meta.dirname, 'library')
export const SIGNED_FOLDER = 'signed'
export const PUBLIC_KEY_FILE = 'project.pub.json'
const EXTENSIONS = {
  sh: 'sh',
  bash: 'sh',
  python3: 'py',
  node: 'mjs',
  powershell: 'ps1',
  batch: 'cmd',
} as const

/** Where a script's source lies. */
export type ScriptSource = { name: string; folder: string; body: string }

/** The sources in the folders of a library, sorted by name; CONFIG_INVALID when two have one name. */
export function scriptSources(directory: string): ScriptSource[] {
  const found = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== SIGNED_FOLDER)
    .flatMap(({ name: folder }) =>
      readdirSync(join(directory, folder))
        .filter((file) => file.endsWith('.yaml'))
        .map((file) => ({ name: file.slice(0, -'.yaml'.length), folder: join(directory, folder) })),
    )
    .sort((one, other) => (one.name < other.name ? -1 : 1))
  const twice = found.find(({ name }, place) => found[place + 1]?.name === name)
  if (twice) throw new VigiaError('CONFIG_INVALID', `two scripts of ${directory} are called ${twice.name}`)
  return found.map(({ name, folder }) => ({ name, folder, body: bodyFile(folder, name) }))
}

function bodyFile(folder: string, name: string): string {
  const extensions = [...new Set(Object.values(EXTENSIONS))]
  const files = extensions.map((extension) => join(folder, `${name}.${extension}`))
  return files.find((file) => existsSync(file)) ?? join(folder, `${name}.sh`)
}

/** A script as its source files say; CONFIG_INVALID with every fault and its field. */
export function readSource(directory: string, name: string): ScriptContent {
  const file = join(directory, `${name}.yaml`)
  const faults = (error: z.ZodError) =>
    error.issues.map((issue) => ({ file, field: issue.path.join('.'), message: issue.message }))
  const head = ScriptContent.omit({ body: true })
    .strict()
    .safeParse(parse(readFileSync(file, 'utf8')))
  if (!head.success)
    throw new VigiaError('CONFIG_INVALID', `${file} is not a script`, { faults: faults(head.error) })
  if (head.data.name !== name)
    throw new VigiaError('CONFIG_INVALID', `${file} holds the script "${head.data.name}"`, {
      faults: [{ file, field: 'name', message: `must be ${name}, as the file is called` }],
    })
  const body = readFileSync(join(directory, `${name}.${EXTENSIONS[head.data.interpreter]}`), 'utf8')
  return ScriptContent.parse({ ...head.data, body })
}

/** The bytes that are signed: the content as JSON with its fields in the order of the schema. */
export function scriptPayload(content: ScriptContent): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(ScriptContent.parse(content)))
}

/** The content of a script's envelope; COMMAND_MALFORMED when it is not one. */
export function openScript(envelope: DsseEnvelope): ScriptContent {
  if (envelope.payloadType !== SCRIPT_TYPE)
    throw new VigiaError('COMMAND_MALFORMED', `an envelope of type "${envelope.payloadType}" is no script`)
  let parsed: unknown
  try {
    parsed = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(envelope.payload, 'base64')),
    )
  } catch (thrown) {
    throw new VigiaError('COMMAND_MALFORMED', 'the signed content is not JSON', { cause: thrown })
  }
  const content = ScriptContent.safeParse(parsed)
  const faults = content.success
    ? declarationFaults(content.data)
    : content.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
  if (content.success && faults.length === 0) return content.data
  throw new VigiaError('COMMAND_MALFORMED', 'the signed content is not a script', { faults })
}

/** The public key of the project, which signed the scripts that ship. */
export function projectKey(directory = LIBRARY_DIRECTORY): TrustedKey {
  return TrustedKey.parse(JSON.parse(readFileSync(join(directory, SIGNED_FOLDER, PUBLIC_KEY_FILE), 'utf8')))
}

export type ShippedScript = { content: ScriptContent; digest: string; envelope: DsseEnvelope }

/** The scripts that ship, each verified under the project's key; COMMAND_FORGED names the one that is not. */
export function shippedScripts(directory = LIBRARY_DIRECTORY): ShippedScript[] {
  const key = projectKey(directory)
  return scriptSources(directory).map(({ name }) => {
    const file = join(directory, SIGNED_FOLDER, `${name}.dsse.json`)
    if (!existsSync(file)) throw new VigiaError('COMMAND_UNAPPROVED', `${file} is missing: sign the library`)
    const envelope = DsseEnvelope.parse(JSON.parse(readFileSync(file, 'utf8')))
    if (signersOf(envelope, [key]).length === 0)
      throw new VigiaError('COMMAND_FORGED', `${file} does not carry a signature of the project's key`)
    return { content: openScript(envelope), digest: payloadDigest(envelope), envelope }
  })
}
