/** For whom a passkey is made: the name of the server as the browser calls it, and the origins that may show it. */
export type RelyingParty = { id: string; origins: string[] }

/**
 * The relying party of a server that is called under `host` (name with its port); null for an address, which WebAuthn
 * does not take (Level 3, 5.1.2: a valid domain). Only this machine's own name does without TLS.
 */
export function relyingPartyOf(host: string): RelyingParty | null {
  const id = host.replace(/:\d+$/, '').toLowerCase()
  if (id.startsWith('[') || /^[\d.]+$/.test(id)) return null
  const isHere = id === 'localhost' || id.endsWith('.localhost')
  return { id, origins: [`https://${host}`, ...(isHere ? [`http://${host}`] : [])] }
}
