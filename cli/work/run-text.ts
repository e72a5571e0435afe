import { ERROR_CODES, type ErrorCode } from '../../contract/errors.ts'
import type { RunPlan, RunView } from '../../contract/run.ts'
import { when } from '../output.ts'

/** Jobs by state in one line. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  return parts.length === 0 ? 'no device' : parts.map(([state, count]) => `${count} ${state}`).join(', ')
}

/** A run in one sentence. */
export function runText(run: RunView): string {
  const what = `Run ${run.id} (${run.script}@${run.scriptVersion}): ${run.state}`
  const next = run.nextMs === null ? '' : `, next at ${when(run.nextMs)}`
  const counts = run.devices === 0 ? '' : `, ${countsText(run.counts)}`
  return `${what}${next}${counts}${run.why === null ? '' : `. ${run.why}`}`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

const SHOWN_OMISSIONS = 20

/** What a run would do, for a person who decides. */
export function planText(plan: RunPlan): string[] {
  const away = plan.devices.filter(({ online }) => !online).length
  const clients = new Set(plan.devices.map(({ client }) => client))
  const lines = [
    `${plan.script}@${plan.version} (${plan.digest.slice(0, 12)}) reaches ${counted(plan.devices.length, 'device')} of ${counted(clients.size, 'client')}` +
      `${away === 0 ? '' : `, of which ${away} ${away === 1 ? 'is' : 'are'} not connected`}.`,
    ...plan.waves.map((end, wave) => {
      const names = plan.devices.filter((device) => device.wave === wave).map(({ hostname }) => hostname)
      const more = names.length > 5 ? `, … ${names.length - 5} more` : ''
      return `  Wave ${wave + 1}: up to ${end} in all: ${names.slice(0, 5).join(', ')}${more}`
    }),
  ]
  if (plan.omitted.length > 0) {
    const byCode = new Map<string, string[]>()
    for (const { code, hostname } of plan.omitted) byCode.set(code, [...(byCode.get(code) ?? []), hostname])
    lines.push(`Left out: ${plan.omitted.length}`)
    for (const [code, names] of byCode)
      lines.push(
        `  ${code}: ${names.slice(0, SHOWN_OMISSIONS).join(', ')}${names.length > SHOWN_OMISSIONS ? ' …' : ''}`,
        ...(Object.hasOwn(ERROR_CODES, code) ? [`    ${ERROR_CODES[code as ErrorCode].next}`] : []),
      )
  }
  if (plan.nextMs.length > 0) lines.push(`Next times: ${plan.nextMs.map(when).join(', ')}`)
  return lines
}
