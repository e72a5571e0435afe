const ARRAYS = {
  f64: Float64Array,
  f32: Float32Array,
  u32: Uint32Array,
  u16: Uint16Array,
  i16: Int16Array,
  u8: Uint8Array,
} as const
type ColumnType = keyof typeof ARRAYS
/** `width` numbers a slot (one unless said): a ring or a small vector. All start at zero. */
type ColumnSpec = { type: ColumnType; width?: number }
export type Columns = Record<string, ColumnSpec>
type Array = InstanceType<(typeof ARRAYS)[ColumnType]>

/**
 * Struct of arrays with one row a slot. `columns` is replaced when the slab grows: read it anew in each call.
 * `load` and `dump` are for snapshots: the first `slots` rows as bytes, little-endian, column after column.
 */
export type Slab<C extends Columns = Columns> = {
  columns: { [K in keyof C]: InstanceType<(typeof ARRAYS)[C[K]['type']]> }
  /** Makes sure that a slot can be used, and sets it to zero. */
  open(slot: number): void
  bytesPerSlot: number
  /** Bytes held now, in use or not. */
  bytes(): number
  /** Names, types and widths; a snapshot of another shape is not loaded. */
  shape: string
  dump(slots: number): Uint8Array[]
  load(slots: number, parts: readonly Uint8Array[]): void
}

const FIRST_CAPACITY = 64
/** From here on a slab grows by an eighth, then by a sixteenth: half a million slots must not hold room for another half. */
const DOUBLES_UNTIL = 1_024
const GROWS_BY_EIGHTHS_UNTIL = 16_384

/** Makes an empty slab that grows by doubling, and by less once it is large. */
export function createSlab<const C extends Columns>(spec: C): Slab<C> {
  const names = Object.keys(spec)
  const width = (name: string): number => spec[name]?.width ?? 1
  const arrays: Record<string, Array> = {}
  let capacity = 0
  grow(FIRST_CAPACITY)

  function grow(to: number): void {
    for (const name of names) {
      const type = spec[name]?.type ?? 'f64'
      const wider = new ARRAYS[type](to * width(name))
      const old = arrays[name]
      if (old !== undefined) wider.set(old)
      arrays[name] = wider
    }
    capacity = to
  }

  function reserve(slots: number): void {
    let to = capacity
    while (to < slots) to = larger(to)
    if (to > capacity) grow(to)
  }

  return {
    columns: arrays as Slab<C>['columns'],
    open(slot) {
      reserve(slot + 1)
      for (const name of names) arrays[name]?.fill(0, slot * width(name), (slot + 1) * width(name))
    },
    bytesPerSlot: names.reduce(
      (sum, name) => sum + width(name) * ARRAYS[spec[name]?.type ?? 'f64'].BYTES_PER_ELEMENT,
      0,
    ),
    bytes: () => Object.values(arrays).reduce((sum, array) => sum + array.byteLength, 0),
    shape: names.map((name) => `${name}:${spec[name]?.type}x${width(name)}`).join(','),
    dump: (slots) =>
      names.map((name) => {
        const array = arrays[name]
        if (array === undefined) return new Uint8Array(0)
        const bytes = Math.min(slots, capacity) * width(name) * array.BYTES_PER_ELEMENT
        return new Uint8Array(array.buffer, array.byteOffset, bytes)
      }),
    load(slots, parts) {
      reserve(slots)
      names.forEach((name, index) => {
        const array = arrays[name]
        const part = parts[index]
        if (array === undefined || part === undefined) return
        new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(part)
      })
    },
  }
}

function larger(capacity: number): number {
  if (capacity < DOUBLES_UNTIL) return capacity * 2
  return capacity + Math.ceil(capacity / (capacity < GROWS_BY_EIGHTHS_UNTIL ? 8 : 16))
}

/** Hands out slot numbers, smallest first while none was given back. */
export type Slots = {
  take(): number
  give(slot: number): void
  /** One more than the highest slot ever taken. */
  high(): number
  inUse(): number
  /** Forgets everything and takes exactly these. */
  claim(used: ReadonlySet<number>): void
}

/** Makes an empty set of slots with a free list. */
export function createSlots(): Slots {
  let free: number[] = []
  let high = 0
  return {
    take: () => free.pop() ?? high++,
    give: (slot) => void free.push(slot),
    high: () => high,
    inUse: () => high - free.length,
    claim(used) {
      high = 0
      for (const slot of used) high = Math.max(high, slot + 1)
      free = []
      for (let slot = high - 1; slot >= 0; slot--) if (!used.has(slot)) free.push(slot)
    },
  }
}
