/** A search parameter that is one of these values; anything else is as if it were not there. */
export function pick<K extends string, V extends string>(
  name: K,
  value: unknown,
  allowed: readonly V[],
): Partial<Record<K, V>> {
  const found = allowed.find((each) => each === value)
  return found === undefined ? {} : ({ [name]: found } as Record<K, V>)
}

/** One that is a text. */
export function text<K extends string>(name: K, value: unknown): Partial<Record<K, string>> {
  return typeof value === 'string' && value !== '' ? ({ [name]: value } as Record<K, string>) : {}
}
