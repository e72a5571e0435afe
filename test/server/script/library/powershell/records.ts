import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'

const FOLDER = join(import.meta.dirname, '../../../../fixtures/powershell')
const names = z.array(z.string()).default([])
const read = z.boolean().default(true)
const origin = { describes: z.string(), documentation: z.string() }

const Cmdlet = z.strictObject({
  read,
  changes: z.boolean().default(false),
  values: names,
  switches: names,
  positional: names,
  needs: z.array(names).default([]),
  pipeline: names,
  output: z.string().optional(),
  outputWith: z.record(z.string(), z.string()).default({}),
  outputNote: z.string().optional(),
  yields: z.enum(['none', 'one', 'perhaps', 'many']).optional(),
  yieldsOneBy: names,
  failsWithout: names,
  notes: names,
})
const Members = z.strictObject({
  read: z.boolean().optional(),
  page: z.string().optional(),
  one: z.boolean().default(false),
  key: z.string().optional(),
  properties: z.record(z.string(), z.string()).default({}),
  methods: z.record(z.string(), z.string()).default({}),
  cimMethods: z.record(z.string(), z.record(z.string(), z.string())).default({}),
  changing: names,
  notes: names,
})
const Program = z.strictObject({
  page: z.string(),
  words: names,
  changes: z.boolean().default(false),
  changesWith: names,
  prints: z.enum(['localized', 'numbers']),
  exitCodes: z.array(z.strictObject({ code: z.int(), meaning: z.string(), from: z.string() })),
  samples: z
    .array(
      z.strictObject({
        ...{ call: z.string(), source: z.string(), text: z.string() },
        ...{ leapIndicator: z.int(), stratum: z.int() },
      }),
    )
    .default([]),
  notes: names,
})
const CmdletFile = z.strictObject({
  ...origin,
  module: z.string(),
  cmdlets: z.record(z.string(), Cmdlet),
})
const TypeFile = z.strictObject({
  ...origin,
  read,
  types: z.record(z.string(), Members),
  statics: z.record(z.string(), Members).default({}),
  associations: z.record(z.string(), z.string()).default({}),
  comObjects: z.record(z.string(), z.string()).default({}),
})
const ProgramFile = z.strictObject({ ...origin, programs: z.record(z.string(), Program) })
const CommonFile = z.strictObject({ documentation: z.string(), read, values: names, switches: names })

export type Cmdlet = z.infer<typeof Cmdlet>
export type Members = z.infer<typeof Members>

function load<T>(schema: z.ZodType<T>, ...path: string[]): T {
  return schema.parse(parse(readFileSync(join(FOLDER, ...path), 'utf8')))
}

function all<T>(schema: z.ZodType<T>, folder: string): T[] {
  return readdirSync(join(FOLDER, folder)).map((file) => load(schema, folder, file))
}

/** Names are compared as PowerShell compares them: in any case. */
function table<T>(parts: Record<string, T>[]): Map<string, T> {
  const rows = parts.flatMap((part) => Object.entries(part))
  return new Map(rows.map(([name, value]) => [name.toLowerCase(), value]))
}

const cmdletFiles = all(CmdletFile, 'cmdlets')
const typeFiles = all(TypeFile, 'types')

export const records = {
  cmdlets: table(cmdletFiles.map(({ cmdlets }) => cmdlets)),
  common: load(CommonFile, 'common-parameters.yaml'),
  types: table(typeFiles.map(({ types }) => types)),
  statics: table(typeFiles.map(({ statics }) => statics)),
  associations: table(typeFiles.map(({ associations }) => associations)),
  comObjects: table(typeFiles.map(({ comObjects }) => comObjects)),
  programs: table([load(ProgramFile, 'programs.yaml').programs]),
}
