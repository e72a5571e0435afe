import { VigiaError } from '../contract/errors.ts'
import type { Handlers } from './http/handler.ts'
import type { Parts } from './parts.ts'

const soon = (): never => {
  throw new VigiaError('INTERNAL', 'This part is being built.')
}

/** Routes of the trust root. */
export function trustRoutes(_parts: Parts): Pick<Handlers, 'trust' | 'trustText' | 'applyTrust'> {
  return { trust: soon, trustText: soon, applyTrust: soon }
}
