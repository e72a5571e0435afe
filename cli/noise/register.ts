import type { Command } from 'commander'
import { registerHours } from './hours.ts'
import { registerBudget } from './budget.ts'
import { registerSilence } from './silence.ts'

/** `vigia silence`, `vigia hours`, `vigia noise`. */
export function registerNoise(program: Command): void {
  registerSilence(program)
  registerHours(program)
  registerBudget(program)
}
