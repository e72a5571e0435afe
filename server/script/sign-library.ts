/**
 * Signs the scripts that ship: `node server/script/sign-library.ts [--new-key]`. Reads the key `project` from the
 * personal key store (VIGIA_KEYS or ~/.config/vigia/keys), writes signed/NAME.dsse.json for each source and signed/project.pub.json; the secret half stays in the key store.
 *
 * A lost key, before the first release: no device outside of development has pinned it, so run this with
 * `--new-key` (it makes the key where there is none; move a damaged one away first), commit the new public key
 * and signatures, and enrol trial devices again, since their trust root names the old key. After a release that
 * would lock out every device: then a new trust root is needed, approved by the threshold of the keys it names.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SCRIPT_TYPE } from '../../contract/trust/dsse.ts'
import { asVigiaError, ERROR_CODES } from '../../contract/errors.ts'
import { openKeyStore, personalKeyDirectory } from './key-store.ts'
import { publicPart, type SigningKey } from './keys.ts'
import {
  LIBRARY_DIRECTORY,
  PUBLIC_KEY_FILE,
  readSource,
  scriptPayload,
  scriptSources,
  SIGNED_FOLDER,
} from './library.ts'
import { payloadDigest, seal } from './sign.ts'

const PROJECT_KEY = 'project'

/** Signs every script of a library with `key`, and takes away what no source stands behind; answers what is signed. */
export function signLibrary(directory: string, key: SigningKey): { name: string; digest: string }[] {
  const contents = scriptSources(directory).map(({ folder, name }) => readSource(folder, name))
  const signed = join(directory, SIGNED_FOLDER)
  mkdirSync(signed, { recursive: true })
  for (const file of readdirSync(signed).filter((each) => each.endsWith('.dsse.json')))
    if (!contents.some(({ name }) => file === `${name}.dsse.json`)) rmSync(join(signed, file))
  writeJson(join(signed, PUBLIC_KEY_FILE), publicPart(key))
  return contents.map((content) => {
    const envelope = seal(SCRIPT_TYPE, scriptPayload(content), [key])
    writeJson(join(signed, `${content.name}.dsse.json`), envelope)
    return { name: `${content.name} v${content.version}`, digest: payloadDigest(envelope) }
  })
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
}

function main(): void {
  const { values } = parseArgs({ options: { 'new-key': { type: 'boolean', default: false } } })
  const store = openKeyStore(personalKeyDirectory(process.env))
  const key = values['new-key'] ? store.create(PROJECT_KEY) : store.load(PROJECT_KEY)
  for (const { name, digest } of signLibrary(LIBRARY_DIRECTORY, key))
    process.stdout.write(`${digest}  ${name}\n`)
}

if (import.meta.main) {
  try {
    main()
  } catch (thrown) {
    const error = asVigiaError(thrown)
    const places = error.faults.map(
      (fault) => `  ${fault.file ?? ''} ${fault.field ?? ''}: ${fault.message}\n`,
    )
    process.stderr.write(`${error.code}: ${error.message}\n${places.join('')}${error.next}\n`)
    process.exitCode = ERROR_CODES[error.code].exit
  }
}
