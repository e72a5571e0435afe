/** JSON out of bytes; undefined, which no schema takes, when they are none. */
export function parseJson(payload: Uint8Array): unknown {
  try {
    const json: unknown = JSON.parse(
      Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'),
    )
    return json
  } catch {
    return undefined
  }
}
