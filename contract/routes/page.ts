import * as z from 'zod'
import { ClientId } from '../ids.ts'

/** How much of a list is asked for, and of which client. */
export const Page = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(200),
  client: ClientId.optional(),
})
