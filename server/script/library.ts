import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type * as z from 'zod'
import { ScriptContent } from '../../contract/command.ts'
import { TrustedKey } from '../../contract/trust.ts'
import { DsseEnvelope, SCRIPT_TYPE } from '../../contract/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { payloadDigest } from './sign.ts'
import { signersOf } from './verify.ts'

/** Where the scripts that ship lie: NAME.yaml (what it is), NAME.sh (its body), NAME.dsse.json (both, signed). */
export const LIBRARY_DIRECTORY = join(import.meta.dirname, 'library')
const PUBLIC_KEY_FILE = 'project.pub.json'
const EXTENSIONS = {
  sh: 'sh',
  bash: 'sh',
  python3: 'py',
  node: 'mjs',
  powershell: 'ps1',
  batch: 'cmd',
} as const

/** Names of the scripts in a library directory, sorted. */
export function scriptNames(directory: string): string[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.yaml'))
  return files.map((file) => file.slice(0, -'.yaml'.length)).sort()
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
  if (content.success) return content.data
  throw new VigiaError('COMMAND_MALFORMED', 'the signed content is not a script', {
    faults: content.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
  })
}

/** The public key of the project, which signed the scripts that ship. */
export function projectKey(directory = LIBRARY_DIRECTORY): TrustedKey {
  return TrustedKey.parse(JSON.parse(readFileSync(join(directory, PUBLIC_KEY_FILE), 'utf8')))
}

export type ShippedScript = { content: ScriptContent; digest: string; envelope: DsseEnvelope }

/** The scripts that ship, each verified under the project's key; COMMAND_FORGED names the one that is not. */
export function shippedScripts(directory = LIBRARY_DIRECTORY): ShippedScript[] {
  const key = projectKey(directory)
  return scriptNames(directory).map((name) => {
    const file = join(directory, `${name}.dsse.json`)
    if (!existsSync(file)) throw new VigiaError('COMMAND_UNAPPROVED', `${file} is missing: sign the library`)
    const envelope = DsseEnvelope.parse(JSON.parse(readFileSync(file, 'utf8')))
    if (signersOf(envelope, [key]).length === 0)
      throw new VigiaError('COMMAND_FORGED', `${file} does not carry a signature of the project's key`)
    return { content: openScript(envelope), digest: payloadDigest(envelope), envelope }
  })
}
