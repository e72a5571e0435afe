import type { Known, World } from './state.ts'

/**
 * The alert of the same device that explains this one, by the rules' `inhibitedBy`: the last of a chain. Where
 * rules explain each other in a circle, the one that fired first stands for all. Undefined when nothing explains it.
 */
export function inhibitorOf(
  one: Known,
  ofDevice: readonly Known[],
  world: Pick<World, 'rule'>,
): Known | undefined {
  const chain: Known[] = [one]
  for (;;) {
    const last = chain.at(-1)
    const next = last === undefined ? undefined : explains(last, ofDevice, world)
    if (next === undefined) break
    const seen = chain.indexOf(next)
    if (seen >= 0) {
      const first = firstOf(chain.slice(seen))
      return first === one ? undefined : first
    }
    chain.push(next)
  }
  const root = chain.at(-1)
  return root === one ? undefined : root
}

function explains(one: Known, ofDevice: readonly Known[], world: Pick<World, 'rule'>): Known | undefined {
  const clauses = world.rule(one.alert.rule, one.alert.device)?.inhibitedBy ?? []
  for (const { rule, on } of clauses) {
    const found = ofDevice.filter(
      (other) =>
        other.firing &&
        other !== one &&
        other.alert.rule === rule &&
        // One cause is one incident already.
        other.alert.cause !== one.alert.cause &&
        on.every((label) => other.alert.labels[label] === one.alert.labels[label]),
    )
    const first = firstOf(found)
    if (first !== undefined) return first
  }
  return undefined
}

function firstOf(all: readonly Known[]): Known | undefined {
  return all.toSorted(
    (a, b) => a.firedAtMs - b.firedAtMs || (a.alert.fingerprint < b.alert.fingerprint ? -1 : 1),
  )[0]
}
