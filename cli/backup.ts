import { resolve } from 'node:path'
import type { Command } from 'commander'
import { contextOf } from './command.ts'
import { when } from './output.ts'

/** `vigia backup` and `vigia restore`. */
export function registerBackup(program: Command): void {
  program
    .command('backup <file>')
    .description("write records, the server's keys and its authority into one file; metrics are not in it")
    .action(async (file: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const answer = await server.call('backup', { body: { file: resolve(file) } })
      out.print(
        answer,
        () =>
          `${answer.file}: ${answer.tables} tables and ${answer.files} files, ${(answer.bytes / 1024).toFixed(0)} KB. Keep it as safe as the server: its keys are inside.`,
      )
    })
  program
    .command('restore <file>')
    .description('put a backup back; the server must not run')
    .option('--force', 'over records that exist')
    .action(async (file: string, options: { force?: boolean }, command: Command) => {
      const { dataDir, out } = contextOf(command)
      const { restoreInstallation } = await import('../server/backup.ts')
      // The same database as the server would take: DATABASE_URL, else the configuration.
      const { readConfig } = await import('../server/config.ts')
      const databaseUrl = process.env['DATABASE_URL'] ?? readConfig({ dataDir }).records.url
      out.progress(`Restoring into ${dataDir} …`)
      const answer = await restoreInstallation({
        dataDir,
        databaseUrl,
        file: resolve(file),
        force: options.force === true,
        clock: Date.now,
      })
      out.print(
        answer,
        () =>
          `Restored as of ${when(answer.createdAtMs)}: ${answer.tables} tables, ${answer.files.length} files. Start the server now.`,
      )
    })
}
