import { useMemo, useRef, useState } from 'react'

/** The devices that are picked in the fleet, and how clicks change them. */
export type Picks = {
  all: readonly string[]
  has(device: string): boolean
  add(devices: readonly string[]): void
  clear(): void
  /** One click; with shift everything between the last one and this becomes as this one. `order` is that of the rows. */
  click(device: string, shift: boolean, order: readonly string[]): void
}

/** The next picks after a click: pure, so that ranges can be tried without a page. */
export function clickPick(
  picked: ReadonlySet<string>,
  {
    device,
    last,
    shift,
    order,
  }: { device: string; last: string | undefined; shift: boolean; order: readonly string[] },
): Set<string> {
  const next = new Set(picked)
  const on = !picked.has(device)
  const [from, to] = [last === undefined ? -1 : order.indexOf(last), order.indexOf(device)]
  const range =
    shift && from >= 0 && to >= 0 ? order.slice(Math.min(from, to), Math.max(from, to) + 1) : [device]
  for (const each of range) {
    if (on) next.add(each)
    else next.delete(each)
  }
  return next
}

/** The picks of a page, kept as long as it is open. */
export function usePicks(): Picks {
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set())
  const last = useRef<string>(undefined)
  return useMemo(
    () => ({
      all: [...picked],
      has: (device) => picked.has(device),
      add: (devices) => setPicked(new Set([...picked, ...devices])),
      clear: () => setPicked(new Set()),
      click(device, shift, order) {
        setPicked(clickPick(picked, { device, last: last.current, shift, order }))
        last.current = device
      },
    }),
    [picked],
  )
}
