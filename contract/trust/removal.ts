import type { StandingKey } from '../routes/person.ts'

/** The command with which approvers begin to take keys out; the first eight digits of a key id name it. */
export function removalCommand(keys: readonly StandingKey[]): string {
  const flags = keys.map(({ role, keyid }) => `--remove-${role} ${keyid.slice(0, 8)}`)
  return `vigia trust draft ${flags.join(' ')} --out next.json`
}
