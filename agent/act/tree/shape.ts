import type { Member } from './member.ts'

/** The processes of one job, as far as the system lets them be known. */
export type Tree = {
  /** Those that live now; zombies do not. */
  members(): Member[]
  /** Resident kilobytes of all together, shared pages counted once where the system tells; never more than the sum. */
  residentKb(members: readonly Member[]): number
  /** Asks every process to end. */
  terminate(): void
  /** Ends every process by force, also those that are being born. */
  kill(): void
  /** Lets what is left live on: a daemon that a script started is no script, and loses its limits and low priority. */
  free(members: readonly Member[]): void
}
