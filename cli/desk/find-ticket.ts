import { VigiaError } from '../../contract/errors.ts'
import type { ServerApi } from '../server-api.ts'

/** A ticket's id by its number, with or without `V-`; anything else is taken for the id itself. */
export async function findTicket(server: ServerApi, name: string): Promise<string> {
  const number = /^(?:v-)?(\d{1,9})$/i.exec(name)?.[1]
  if (number === undefined) return name
  const { tickets } = await server.call('tickets', { query: { limit: 1000 } })
  const found = tickets.find((ticket) => ticket.number === Number(number))
  if (found) return found.id
  throw new VigiaError('NOT_FOUND', `There is no ticket V-${number}. "vigia tickets" lists them.`)
}
