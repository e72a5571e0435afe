import { createInterface } from 'node:readline/promises'
import { VigiaError } from '../contract/errors.ts'
import type { Printer } from './output.ts'

/** How what is signed is told: whoever is going to be asked reads it first, whatever else is printed. */
export function tellerOf(out: Pick<Printer, 'progress' | 'show'>, yes: boolean): (line: string) => void {
  const asked = !yes && process.stdin.isTTY
  return (line) => (asked ? out.show(line) : out.progress(line))
}

/** Asks a person at the terminal; without one, and without `yes`, nothing is done: USAGE. CONFLICT when they say no. */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY)
    throw new VigiaError('USAGE', 'Nobody is there to be asked: read what is signed, then add --yes.')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (/^y(es)?$/i.test(answer.trim())) return
  } finally {
    terminal.close()
  }
  throw new VigiaError('CONFLICT', 'Nothing was signed.')
}
