import type { Db } from '../records/records.ts'

/** Enters a deed into the audit log, in its own transaction. */
export type Note = (
  db: Db,
  entry: { who: string; action: string; client: null; subject: string; detail?: unknown },
) => Promise<unknown>
