import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LIMITS } from '../../contract/limits.ts'
import { METRICS } from '../../contract/metrics.ts'
import type { FactKind, SeriesSpec } from '../../contract/report.ts'
import type { Log } from '../log.ts'
import { fitDocument, type InventoryPart, type Unavailable } from './part.ts'

/** What the inventory found: documents, and values that belong to `series` by place (NaN means unavailable). */
export type Inventory = {
  facts: { kind: FactKind; document: object }[]
  series: SeriesSpec[]
  values: number[]
}

export type InventoryOptions = {
  /** The child is killed after this. What it told until then stands. */
  timeoutMs: number
  log: Pick<Log, 'info' | 'warn'>
  /** Ends it early. */
  signal?: AbortSignal
  /** The child's program and arguments, for tests. */
  command?: readonly [string, ...string[]]
}

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))
const EXPECTED: readonly FactKind[] = ['os', 'hardware', 'battery', 'users', 'smart', 'packages']
/** The message around a document (kind, boot, sequence, time) has to fit too. */
const DOCUMENT_BYTES = LIMITS.factsBytes - 1024
const OUTPUT_BYTES = 8 * 1024 * 1024

/**
 * Takes the inventory in a child process of low priority, in a process group of its own that is ended as a whole,
 * since its programs may hang on a broken drive. Never throws for what the child does: what could not be read stands
 * in the document `unavailable` with its reason.
 */
export async function runInventory(options: InventoryOptions): Promise<Inventory> {
  const { lines, end } = await runChild(options)
  const parts = lines.flatMap((line) => parsePart(line) ?? [])
  const missing: Unavailable[] = EXPECTED.filter((kind) => !parts.some((part) => part.kind === kind)).map(
    (kind) => ({
      part: kind,
      reason: end,
    }),
  )
  if (missing.length > 0)
    options.log.warn('inventory is not whole', { missing: missing.map(({ part }) => part), reason: end })
  const samples = parts.flatMap((part) => part.samples)
  const unavailable = [...parts.flatMap((part) => part.unavailable), ...missing]
  return {
    facts: [
      ...parts.flatMap(({ kind, document }) =>
        document === null ? [] : [{ kind, document: fitDocument(document, DOCUMENT_BYTES) }],
      ),
      { kind: 'unavailable', document: fitDocument({ parts: unavailable }, DOCUMENT_BYTES) },
    ],
    series: samples.map(({ metric, labels }) => ({ metric, labels, unit: METRICS[metric].unit })),
    values: samples.map(({ value }) => value ?? Number.NaN),
  }
}

/** The child's whole lines, and in words how it ended. */
function runChild(options: InventoryOptions): Promise<{ lines: string[]; end: string }> {
  const { timeoutMs, signal, command = [process.execPath, CHILD] } = options
  const [file, ...args] = command
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    let stdout = ''
    let stderr = ''
    let end: string | undefined
    const kill = (reason: string): void => {
      end ??= reason
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        child.kill('SIGKILL')
      }
    }
    const timer = setTimeout(() => kill(`the inventory took longer than ${String(timeoutMs)} ms`), timeoutMs)
    const onAbort = (): void => kill('the inventory was ended')
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout.length <= OUTPUT_BYTES) stdout += text
      else kill('the inventory told too much')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-2000)
    })
    child.once('error', (error) => {
      end ??= `the inventory did not start: ${error.message}`
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      const whole = stdout.lastIndexOf('\n')
      const told = stderr.trim().split('\n').at(-1)?.slice(0, 300)
      resolve({
        lines: whole < 0 ? [] : stdout.slice(0, whole).split('\n'),
        end: end ?? `the inventory ended with code ${String(code)}${told ? `: ${told}` : ''}`,
      })
    })
  })
}

/** The child is ours, but its line may be cut by a kill, or come from a program that wrote to its output. */
function parsePart(line: string): InventoryPart | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const part = JSON.parse(line) as Partial<InventoryPart> | null
    const known = part?.kind !== undefined && EXPECTED.includes(part.kind)
    return known && Array.isArray(part.samples) && Array.isArray(part.unavailable)
      ? (part as InventoryPart)
      : undefined
  } catch {
    return undefined
  }
}
