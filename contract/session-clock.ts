import * as z from 'zod'

/**
 * What a device's clock said in a hello of its present session, and the server's when that hello came, both in Unix
 * milliseconds. A device that finds it in what the server signed knows the server's time from then on by a clock of its
 * own that nobody sets, however wrong the one on its wall is.
 */
export const SessionClock = z.object({
  deviceMs: z.number().int().positive(),
  serverMs: z.number().int().positive(),
})
export type SessionClock = z.infer<typeof SessionClock>
