const K = new Uint32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
])
const BLOCK = 64

/** SHA-256 (FIPS 180-4) over bytes that come in pieces: what the browser's own digest cannot do. */
export type Sha256 = {
  update(bytes: Uint8Array): void
  /** The checksum of all so far, hexadecimal; more may follow. */
  hex(): string
}

export function createSha256(): Sha256 {
  const state = new Uint32Array([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ])
  const rest = new Uint8Array(BLOCK)
  let inRest = 0
  let length = 0
  return {
    update(bytes) {
      length += bytes.length
      let at = 0
      if (inRest > 0) {
        at = Math.min(BLOCK - inRest, bytes.length)
        rest.set(bytes.subarray(0, at), inRest)
        inRest += at
        if (inRest < BLOCK) return
        compress(state, rest, 0)
        inRest = 0
      }
      for (; at + BLOCK <= bytes.length; at += BLOCK) compress(state, bytes, at)
      rest.set(bytes.subarray(at))
      inRest = bytes.length - at
    },
    hex() {
      // 5.1.1: a one, zeros, and the length in bits as 64 bits.
      const copy = state.slice()
      const end = new Uint8Array(inRest < 56 ? BLOCK : 2 * BLOCK)
      end.set(rest.subarray(0, inRest))
      end[inRest] = 0x80
      new DataView(end.buffer).setBigUint64(end.length - 8, BigInt(length) * 8n)
      for (let at = 0; at < end.length; at += BLOCK) compress(copy, end, at)
      return Array.from(copy, (word) => word.toString(16).padStart(8, '0')).join('')
    },
  }
}

const W = new Uint32Array(64)

/** 6.2.2: one block into the state. */
function compress(state: Uint32Array, bytes: Uint8Array, from: number): void {
  const at = (index: number): number => bytes[from + index] ?? 0
  for (let t = 0; t < 16; t++)
    W[t] = (at(t * 4) << 24) | (at(t * 4 + 1) << 16) | (at(t * 4 + 2) << 8) | at(t * 4 + 3)
  const w = (t: number): number => W[t] ?? 0
  for (let t = 16; t < 64; t++) {
    const [a, b] = [w(t - 15), w(t - 2)]
    const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3)
    const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10)
    W[t] = (w(t - 16) + s0 + w(t - 7) + s1) | 0
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let t = 0; t < 64; t++) {
    const big1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const one = (h + big1 + ((e & f) ^ (~e & g)) + (K[t] ?? 0) + w(t)) | 0
    const big0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const two = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  for (const [index, add] of [a, b, c, d, e, f, g, h].entries())
    state[index] = ((state[index] ?? 0) + add) | 0
}
