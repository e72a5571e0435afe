import * as z from 'zod'

/** Base64url without padding, as WebAuthn has it everywhere. */
const base64url = (most: number): z.ZodString =>
  z
    .string()
    .regex(/^[\w-]*$/)
    .max(most)
/** WebAuthn Level 2, 5.1: at most 1023 bytes. */
const CredentialId = base64url(1364).min(1)

/** What a browser made: PublicKeyCredential.toJSON() (WebAuthn Level 3, 5.1.8), as far as the server reads it. */
const credential = <S extends z.ZodObject>(response: S) =>
  z.object({
    id: CredentialId,
    rawId: CredentialId,
    type: z.literal('public-key'),
    clientExtensionResults: z.object({}),
    response,
  })
export const PasskeyMade = credential(
  z.object({
    clientDataJSON: base64url(8192),
    attestationObject: base64url(65_536),
    transports: z.array(z.string().max(20)).max(10).default([]),
  }),
)
export type PasskeyMade = z.output<typeof PasskeyMade>
export const PasskeyShown = credential(
  z.object({
    clientDataJSON: base64url(8192),
    authenticatorData: base64url(8192),
    signature: base64url(8192),
  }),
)
export type PasskeyShown = z.output<typeof PasskeyShown>

/** One passkey, as its owner sees it; it works only where the console is called `relyingParty`. */
export const PasskeyView = z.object({
  id: CredentialId,
  name: z.string(),
  relyingParty: z.string(),
  createdAtMs: z.number(),
  usedAtMs: z.number().nullable(),
})
export type PasskeyView = z.infer<typeof PasskeyView>

/** Options for the browser's own verbs, handed on as they are. */
const Options = z.object({ options: z.record(z.string(), z.unknown()) })

/** Routes of a person's passkeys; part of ROUTES in http.ts. */
export const ACCESS_ROUTES = {
  secondFactors: {
    method: 'GET',
    path: '/api/me/second-factor',
    access: 'self',
    answer: z.object({
      /** Is an authenticator application set up? */
      authenticator: z.boolean(),
      passkeys: z.array(PasskeyView),
      /** The name under which a passkey made here would work; null where the console is called by an address. */
      relyingParty: z.string().nullable(),
    }),
    summary: 'What one has set up as a second factor',
  },
  passkeyBegin: {
    method: 'POST',
    path: '/api/me/passkeys/begin',
    access: 'self',
    touches: 'own',
    body: z.object({ password: z.string().max(200) }),
    answer: Options,
    summary: 'What the browser needs to make a passkey (WebAuthn)',
  },
  passkeyAdd: {
    method: 'POST',
    path: '/api/me/passkeys',
    access: 'self',
    touches: 'own',
    body: z.object({ name: z.string().min(1).max(60), credential: PasskeyMade }),
    answer: z.object({
      /** New ones with the first factor; empty where there are some already. */
      recoveryCodes: z.array(z.string()),
      provenUntilMs: z.number(),
    }),
    summary: 'Add the passkey that the browser made as a second factor; that is also a proof',
  },
  passkeyRemove: {
    method: 'DELETE',
    path: '/api/me/passkeys/:id',
    access: 'self',
    touches: 'own',
    params: z.object({ id: CredentialId }),
    answer: z.object({ ok: z.literal(true) }),
    summary: 'Take a passkey away; takes a proof, and the last factor stays',
  },
  passkeyChallenge: {
    method: 'POST',
    path: '/api/me/prove/passkey/begin',
    access: 'self',
    touches: 'own',
    answer: Options,
    summary: 'What the browser needs to show a passkey',
  },
  passkeyProve: {
    method: 'POST',
    path: '/api/me/prove/passkey',
    access: 'self',
    touches: 'own',
    body: z.object({ credential: PasskeyShown }),
    answer: z.object({ provenUntilMs: z.number() }),
    summary: 'Show a passkey: for a while this session may run code',
  },
} as const
