import type { Answer } from '../../api.ts'

/** A script as the library lists it. */
export type Listed = Answer<'scripts'>['scripts'][number]

type Standing = Pick<Listed, 'lacking' | 'revoked' | 'expired'>

/** May this version be ordered? Not while it waits for approvals, and not when it is withdrawn or its approval is over. */
export function mayRun({ lacking, revoked, expired }: Standing): boolean {
  return !(lacking > 0) && revoked !== true && expired !== true
}

/**
 * The version that a name or a digest means in a form: by name the newest that runs on any device, else the newest. What
 * is shown there is ordered by its digest, so that it is what runs. Undefined for one that may not be ordered.
 */
export function chosenScript(scripts: readonly Listed[], nameOrDigest: string): Listed | undefined {
  const found = scripts.filter(
    (script) => (script.digest === nameOrDigest || script.content.name === nameOrDigest) && mayRun(script),
  )
  return found.find(({ anywhere }) => anywhere === true) ?? found[0]
}

/** What a name or a digest means though it may not be ordered: the newest version, to say why. Undefined if one may be. */
export function refusedScript(scripts: readonly Listed[], nameOrDigest: string): Listed | undefined {
  if (chosenScript(scripts, nameOrDigest)) return undefined
  return scripts.find(({ digest, content }) => digest === nameOrDigest || content.name === nameOrDigest)
}

/** How an address names a version: by the name where that means it, so that the address lasts, else by the digest. */
export function addressOf({
  anywhere,
  content,
  digest,
}: Pick<Listed, 'anywhere' | 'digest'> & Named): string {
  return anywhere === true ? content.name : digest
}
type Named = { content: Pick<Listed['content'], 'name'> }
