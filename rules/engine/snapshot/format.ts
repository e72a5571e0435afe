import * as z from 'zod'
import { SeriesSpec } from '../../../contract/report.ts'
import { AlertTransition } from '../../../contract/rules.ts'

const MAGIC = 'vigia-rules-3\n'

/** One slab of the body: its shape, its rows, and the bytes of each column. */
export const SlabHead = z.object({
  shape: z.string(),
  high: z.number().int(),
  sizes: z.array(z.number().int()),
})
export type SlabHead = z.infer<typeof SlabHead>

/** What a snapshot says beside the slabs. Rules, plans and slots are named by their place in it. */
export const Header = z.object({
  clock: z.object({ lastTickMs: z.number(), observedMs: z.number() }),
  series: SlabHead,
  /** State by the rule's name and what its detector's state depends on; empty where it depends on nothing known. */
  groups: z.array(
    z.object({
      name: z.string(),
      stateVersion: z.string(),
      alerts: SlabHead,
      bank: SlabHead,
      peers: SlabHead.nullable(),
    }),
  ),
  rules: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      driven: z.enum(['samples', 'time', 'vector', 'peers', 'alerts']),
      group: z.number().int(),
      metric: z.string(),
      labels: z.record(z.string(), z.string()),
      cause: z.string().nullable(),
    }),
  ),
  peersRefreshedMs: z.number(),
  plans: z.array(
    z.object({
      hash: z.string(),
      series: z.array(SeriesSpec),
      starts: z.array(z.number().int()),
      rules: z.array(z.number().int()),
    }),
  ),
  devices: z.array(
    z.object({
      context: z.object({
        client: z.string(),
        device: z.string(),
        hostname: z.string(),
        os: z.string(),
        arch: z.string(),
        site: z.string(),
        tags: z.array(z.string()),
      }),
      newestMs: z.number(),
      awakeMs: z.number(),
      seenMs: z.number(),
      watches: z.array(z.object({ rule: z.number().int(), slot: z.number().int() })),
      vectors: z.array(
        z.object({
          rule: z.number().int(),
          slot: z.number().int(),
          dueMs: z.number(),
          isStepped: z.boolean(),
          names: z.array(z.string()),
          mains: z.array(z.string().nullable()),
          /** As many as there are names; null is not known. */
          values: z.array(z.number().nullable()),
          timesMs: z.array(z.number()),
          gapsMs: z.array(z.number()),
        }),
      ),
      bindings: z.array(
        z.object({
          plan: z.number().int(),
          lastMs: z.number(),
          awakeMs: z.number(),
          usualGapMs: z.number(),
          lastGapMs: z.number(),
          regularMs: z.number(),
          seriesSlots: z.array(z.number().int()),
          entrySlots: z.array(z.number().int()),
        }),
      ),
    }),
  ),
  withdrawn: z.array(AlertTransition),
})
export type Header = z.infer<typeof Header>

/** The bytes of a snapshot. */
export function joinSnapshot(header: Header, body: readonly Uint8Array[]): Uint8Array {
  const encoder = new TextEncoder()
  const magic = encoder.encode(MAGIC)
  const json = encoder.encode(JSON.stringify(header))
  const bytes = new Uint8Array(
    magic.length + 4 + json.length + body.reduce((sum, part) => sum + part.length, 0),
  )
  bytes.set(magic)
  new DataView(bytes.buffer).setUint32(magic.length, json.length, true)
  bytes.set(json, magic.length + 4)
  let offset = magic.length + 4 + json.length
  for (const part of body) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

/** Takes a snapshot apart; RangeError when it is none. */
export function splitSnapshot(snapshot: Uint8Array): {
  header: Header
  body: Uint8Array
} {
  const decoder = new TextDecoder()
  const start = MAGIC.length + 4
  if (snapshot.length < start || decoder.decode(snapshot.subarray(0, MAGIC.length)) !== MAGIC)
    throw new RangeError('not a snapshot of rule state')
  const length = new DataView(snapshot.buffer, snapshot.byteOffset).getUint32(MAGIC.length, true)
  return {
    header: readHeader(decoder.decode(snapshot.subarray(start, start + length))),
    body: snapshot.subarray(start + length),
  }
}

function readHeader(text: string): Header {
  try {
    return Header.parse(JSON.parse(text))
  } catch (thrown) {
    throw new RangeError('the snapshot of rule state is damaged', {
      cause: thrown,
    })
  }
}
