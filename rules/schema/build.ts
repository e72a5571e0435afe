import * as z from 'zod'
import { RulePack } from '../../contract/rules.ts'
import { PackTests } from '../testing/schema.ts'

/** The JSON Schemas that editors use, by file name, made from the schemas that the parser uses. */
export function buildSchemas(): Record<string, string> {
  return {
    'pack.schema.json': schemaText(RulePack, 'Vigía rule pack'),
    'pack-test.schema.json': schemaText(PackTests, 'Tests of a Vigía rule pack'),
  }
}

function schemaText(schema: z.ZodType, title: string): string {
  return `${JSON.stringify({ title, ...z.toJSONSchema(schema, { io: 'input' }) }, null, 2)}\n`
}
