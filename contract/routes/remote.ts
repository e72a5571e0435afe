import * as z from 'zod'
import { DsseEnvelope } from '../trust/dsse.ts'
import { ClientId, DeviceId, RecordId } from '../ids.ts'
import { RemoteView } from '../remote/session.ts'
import { REMOTE_KINDS } from '../remote/policy.ts'
import { SessionClock } from '../session-clock.ts'
import { TrustRoot, TrustedKey } from '../trust/root.ts'

const byId = z.object({ id: RecordId })
const ok = z.object({ ok: z.literal(true) })

/** Routes of the trust root, of second factors and of remote sessions; part of ROUTES in http.ts. */
export const REMOTE_ROUTES = {
  trust: {
    method: 'GET',
    path: '/api/trust',
    access: 'person',
    answer: z.object({
      root: TrustRoot.omit({ caPem: true }),
      /** SHA-256 of the present root's text. */
      pin: z.string(),
      /** How many devices have pinned which version. */
      devices: z.array(z.object({ version: z.number().int(), devices: z.number().int() })),
    }),
    summary: 'Who may approve, order and open sessions, and which devices know it',
  },
  trustText: {
    method: 'GET',
    path: '/api/trust/text',
    access: 'owner',
    answer: z.object({
      text: z.string(),
      /** The same root with the online key, the project's key and the authority that the server has now. */
      wanted: z.string(),
    }),
    summary: 'The exact text of the present trust root, to make the next one from',
  },
  applyTrust: {
    method: 'POST',
    path: '/api/trust',
    access: 'owner',
    touches: 'own',
    body: DsseEnvelope,
    answer: z.object({ version: z.number().int(), pin: z.string() }),
    summary: 'Put the next trust root in force; its signatures are the proof',
  },
  secondFactorBegin: {
    method: 'POST',
    path: '/api/me/second-factor',
    access: 'self',
    touches: 'own',
    body: z.object({ password: z.string().max(200) }),
    answer: z.object({ secret: z.string(), uri: z.string() }),
    summary: 'A new secret for an authenticator application (TOTP, RFC 6238); in force once a code was shown',
  },
  secondFactorConfirm: {
    method: 'POST',
    path: '/api/me/second-factor/confirm',
    access: 'self',
    touches: 'own',
    body: z.object({ code: z.string().regex(/^\d{6}$/) }),
    answer: z.object({ recoveryCodes: z.array(z.string()), provenUntilMs: z.number() }),
    summary:
      'Show the first code, which is also a proof; answers codes for the day on which the device is lost',
  },
  proveSecondFactor: {
    method: 'POST',
    path: '/api/me/prove',
    access: 'self',
    touches: 'own',
    body: z.object({ code: z.string().min(6).max(40) }),
    answer: z.object({ provenUntilMs: z.number() }),
    summary: 'Show the second factor: for a while this session may run code',
  },
  resetSecondFactor: {
    method: 'POST',
    path: '/api/people/second-factor/reset',
    access: 'local',
    touches: 'everyone',
    body: z.object({ name: z.string().min(1).max(80) }),
    answer: ok,
    summary: "Take away a person's second factor, so that they set up another",
  },
  remoteOffer: {
    method: 'GET',
    path: '/api/devices/:device/remote',
    access: 'person',
    params: z.object({ device: DeviceId }),
    answer: z.object({
      client: ClientId,
      hostname: z.string(),
      online: z.boolean(),
      /** What the request must repeat; null when it is not connected, or its agent cannot. */
      challenge: z.string().nullable(),
      clock: SessionClock.nullable(),
      technicians: z.array(TrustedKey),
      /** How many approvers it takes to admit another. */
      approvers: z.number().int().min(1),
      nowMs: z.number(),
    }),
    summary: 'What a technician needs to sign a request for a remote session',
  },
  openRemote: {
    method: 'POST',
    path: '/api/remote',
    access: 'operate',
    touches: 'own',
    body: DsseEnvelope,
    answer: RemoteView,
    summary: "Open a remote session with a technician's signed request",
  },
  remotes: {
    method: 'GET',
    path: '/api/remote',
    access: 'person',
    query: z.object({
      device: DeviceId.optional(),
      kind: z.enum(REMOTE_KINDS).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    answer: z.object({ sessions: z.array(RemoteView) }),
    summary: 'Remote sessions, newest first',
  },
  remote: {
    method: 'GET',
    path: '/api/remote/:id',
    access: 'person',
    params: byId,
    answer: RemoteView,
    summary: 'One remote session',
  },
  closeRemote: {
    method: 'POST',
    path: '/api/remote/:id/close',
    access: 'person',
    touches: 'remote',
    params: byId,
    answer: RemoteView,
    summary: 'End a remote session',
  },
  remoteRecording: {
    method: 'GET',
    path: '/api/remote/:id/recording',
    access: 'person',
    params: byId,
    answer: z.unknown(),
    summary: 'What a terminal showed, as asciicast v2',
  },
} as const
