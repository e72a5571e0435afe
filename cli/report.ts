import { writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { Command } from 'commander'
import { VigiaError } from '../contract/errors.ts'
import { contextOf } from './command.ts'
import { choiceOption } from './options.ts'

const FORMATS: Record<string, 'html' | 'pdf' | 'json'> = { '.html': 'html', '.pdf': 'pdf', '.json': 'json' }

/** `vigia report`. */
export function registerReport(program: Command): void {
  program
    .command('report')
    .description("make a client's SLA report for a month")
    .requiredOption('--client <client>', 'the client')
    .requiredOption('--month <YYYY-MM>', 'the month, in UTC')
    .requiredOption('--out <file>', 'where to write it; .html, .pdf or .json chooses the form')
    .addOption(choiceOption('--language <language>', 'language of the report', ['en', 'es'], 'en'))
    .action(
      async (options: { client: string; month: string; out: string; language: string }, command: Command) => {
        const { server, out } = contextOf(command)
        const format = FORMATS[extname(options.out).toLowerCase()]
        if (format === undefined)
          throw new VigiaError(
            'USAGE',
            `--out ends in .html, .pdf or .json, not ${JSON.stringify(options.out)}.`,
          )
        const query = new URLSearchParams({ format, language: options.language })
        const { bytes } = await server.download(
          `/api/reports/${encodeURIComponent(options.client)}/${encodeURIComponent(options.month)}?${query.toString()}`,
        )
        try {
          writeFileSync(options.out, bytes)
        } catch (error) {
          throw new VigiaError('DATA_UNREADABLE', `Cannot write ${options.out}: ${String(error)}`, {
            cause: error,
          })
        }
        out.print(
          { file: options.out, bytes: bytes.length },
          () => `${options.out} written, ${(bytes.length / 1024).toFixed(0)} KB.`,
        )
      },
    )
}
