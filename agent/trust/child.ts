// Checks trust roots in a process of its own and ends, so that zod does not weigh on the agent.
import type { ToTrustChild } from './messages.ts'
import { takeRoots } from './take.ts'

process.once('message', (message: ToTrustChild) => {
  process.send?.(takeRoots(message), () => process.disconnect())
})
