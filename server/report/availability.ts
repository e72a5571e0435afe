/** A stretch of time, Unix milliseconds, end not included. */
export type Stretch = { fromMs: number; toMs: number }

/** Availability of one device: time watched (maintenance apart), time online in it, maintenance; percent is null when nothing was watched. */
export type Availability = { watchedMs: number; onlineMs: number; excludedMs: number; percent: number | null }

/** The time within bounds that no stretch covers. */
export function gapsOf(stretches: readonly Stretch[], bounds: Stretch): Stretch[] {
  return subtract([bounds], clip(merge(stretches), bounds))
}

/** Online time over watched time, both without the excluded stretches and those in which nobody watched. Stretches may overlap and come in any order. */
export function availabilityOf(
  watched: Stretch,
  online: readonly Stretch[],
  excluded: readonly Stretch[],
  unwatched: readonly Stretch[] = [],
): Availability {
  const out = clip(merge(excluded), watched)
  const counted = subtract(subtract([watched], out), clip(merge(unwatched), watched))
  const onlineMs = merge(online).reduce(
    (sum, stretch) => sum + lengthOf(counted.flatMap((part) => clip([stretch], part))),
    0,
  )
  const watchedMs = lengthOf(counted)
  return {
    watchedMs,
    onlineMs,
    excludedMs: lengthOf(out),
    percent: watchedMs === 0 ? null : (100 * onlineMs) / watchedMs,
  }
}

function merge(stretches: readonly Stretch[]): Stretch[] {
  const merged: Stretch[] = []
  for (const { fromMs, toMs } of stretches
    .filter((part) => part.toMs > part.fromMs)
    .sort((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1)
    if (last && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else merged.push({ fromMs, toMs })
  }
  return merged
}

function clip(stretches: readonly Stretch[], bounds: Stretch): Stretch[] {
  return stretches
    .map((part) => ({ fromMs: Math.max(part.fromMs, bounds.fromMs), toMs: Math.min(part.toMs, bounds.toMs) }))
    .filter((part) => part.toMs > part.fromMs)
}

function subtract(from: readonly Stretch[], out: readonly Stretch[]): Stretch[] {
  return out.reduce<Stretch[]>(
    (left, hole) =>
      left.flatMap((part) =>
        clip(
          [
            { fromMs: part.fromMs, toMs: Math.min(part.toMs, hole.fromMs) },
            { fromMs: Math.max(part.fromMs, hole.toMs), toMs: part.toMs },
          ],
          part,
        ),
      ),
    from.filter((part) => part.toMs > part.fromMs),
  )
}

function lengthOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, part) => sum + part.toMs - part.fromMs, 0)
}
