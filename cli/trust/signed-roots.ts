import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'
import { readRoot } from '../../contract/trust/chain.ts'
import type { TrustRoot, TrustedKey } from '../../contract/trust/root.ts'
import { changesOf } from './describe.ts'

const FOLDER = 'roots'

/**
 * What a signer must know of the root that a draft calls the one before: that text came with the draft, and at first
 * from the server. Whoever owns the server could have put a key of theirs into it, which would then be no change. Nothing
 * is said when it was signed here itself; else what differs from the last root that was signed here, or, where there is
 * none, how its pin is compared with what devices have.
 */
export function cautions(directory: string, was: string, next: TrustRoot): string[] {
  const known = signedRoots(directory)
  if (known.some(({ text }) => text === was)) return []
  const last = known
    .map(({ root }) => root)
    .filter(({ version }) => version < next.version)
    .filter(({ approvers }) => approvers.keys.some((key) => isApprover(next, key.publicKey)))
    .sort((a, b) => b.version - a.version)[0]
  if (last !== undefined)
    return [
      '',
      `The root before it was not signed here. Changes from root ${String(last.version)}, the last that was:`,
      ...changesOf({ ...last, version: next.version - 1 }, next).map((change) => `  ${change}`),
    ]
  return [
    '',
    'The root before it was not signed here, and could hold keys that nobody approved. Read the whole list above, and',
    'compare its pin with that of a device ("sha256sum trust.json" in the folder of the agent):',
    `  ${createHash('sha256').update(was).digest('hex')}`,
  ]
}

/**
 * Publishers approve alone, for any device. "--from-server" takes the server's word for whose key the project's is, so
 * each that is not the one that this program came with is named.
 */
export function foreignPublishers(next: TrustRoot, project: TrustedKey): string[] {
  return next.publishers.keys
    .filter(({ keyid }) => keyid !== project.keyid)
    .map(
      ({ name, keyid }) =>
        `  ${name} (${keyid.slice(0, 16)}) may publish, and is not the project's key that this program came with`,
    )
}

/** Keeps the text of a root that was signed, beside the keys; what is kept already stays. */
export function rememberRoot(directory: string, text: string): void {
  const folder = join(directory, FOLDER)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `${createHash('sha256').update(text).digest('hex')}.txt`)
  if (!existsSync(file)) writeFileSync(file, text, { mode: 0o600 })
}

function signedRoots(directory: string): { text: string; root: TrustRoot }[] {
  const folder = join(directory, FOLDER)
  if (!existsSync(folder)) return []
  return readdirSync(folder).map((name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    if (`${createHash('sha256').update(text).digest('hex')}.txt` !== name)
      throw new VigiaError('DATA_UNREADABLE', `${join(folder, name)} is damaged; take it away`)
    return { text, root: readRoot(text) }
  })
}

function isApprover({ approvers }: TrustRoot, publicKey: string): boolean {
  return approvers.keys.some((key) => key.publicKey === publicKey)
}
