import * as z from 'zod'

/**
 * Dead Simple Signing Envelope v1 (secure-systems-lab/dsse, protocol.md): the payload travels as the very bytes
 * that were signed, so nothing has to be canonical. Base64 is the standard alphabet with padding.
 */
export const DsseEnvelope = z.object({
  payloadType: z.string().max(80),
  payload: z.base64().max(350_000),
  signatures: z
    .array(z.object({ keyid: z.string().max(80), sig: z.base64().max(200) }))
    .min(1)
    .max(16),
})
export type DsseEnvelope = z.infer<typeof DsseEnvelope>

export const ORDER_TYPE = 'application/vnd.vigia.order.v1+json'
export const SCRIPT_TYPE = 'application/vnd.vigia.script.v1+json'
export const ROOT_TYPE = 'application/vnd.vigia.root.v1+json'

/** The bytes that are signed: DSSE's pre-authentication encoding, `DSSEv1 LEN(type) type LEN(body) body`. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(
    `DSSEv1 ${new TextEncoder().encode(payloadType).length} ${payloadType} ${payload.length} `,
  )
  const bytes = new Uint8Array(head.length + payload.length)
  bytes.set(head)
  bytes.set(payload, head.length)
  return bytes
}
