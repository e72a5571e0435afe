import { startAuthentication, startRegistration } from '@simplewebauthn/browser'
import { call, type Answer } from '../api.ts'

type Made = Parameters<typeof startRegistration>[0]['optionsJSON']
type Shown = Parameters<typeof startAuthentication>[0]['optionsJSON']

/** Why this page cannot use passkeys: it is called by an address, without TLS, or the browser has none. */
export type PasskeyBar = 'address' | 'insecure' | 'browser'

/** Null where passkeys can be used. */
export function passkeyBar({
  relyingParty,
}: Pick<Answer<'secondFactors'>, 'relyingParty'>): PasskeyBar | null {
  if (relyingParty === null) return 'address'
  if (!window.isSecureContext) return 'insecure'
  return 'PublicKeyCredential' in window ? null : 'browser'
}

/** Does one have a passkey that works here? */
export function hasPasskeyHere({ passkeys, ...here }: Answer<'secondFactors'>): boolean {
  return passkeyBar(here) === null && passkeys.some((each) => each.relyingParty === here.relyingParty)
}

/** Makes a passkey: the browser asks the person. Throws what the browser throws when they do not, and VigiaErrors. */
export async function makePasskey(password: string, name: string): Promise<Answer<'passkeyAdd'>> {
  const { options } = await call('passkeyBegin', { body: { password } })
  const credential = await startRegistration({ optionsJSON: options as unknown as Made })
  return call('passkeyAdd', { body: { name, credential: { ...credential, clientExtensionResults: {} } } })
}

/** Shows a passkey; throws as `makePasskey`. */
export async function showPasskey(): Promise<void> {
  const { options } = await call('passkeyChallenge', {})
  const credential = await startAuthentication({ optionsJSON: options as unknown as Shown })
  await call('passkeyProve', { body: { credential: { ...credential, clientExtensionResults: {} } } })
}
