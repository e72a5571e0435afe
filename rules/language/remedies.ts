/** The remedies that a rule may name, with the names of their parameters. */
export type KnownRemedies = Readonly<Record<string, readonly string[]>>

/** What ships: the scripts of the same names, signed by the project's key. */
export const SHIPPED_REMEDIES: KnownRemedies = {
  'clear-temp': ['mount'],
  'flush-dns': [],
  'restart-service': ['service'],
}
