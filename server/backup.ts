import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../contract/clock.ts'
import { lockDataDirectory } from './data-lock.ts'
import { backup, restore, type ExtraFile } from './records/backup.ts'
import type { Connection } from './records/connection.ts'
import { openRecords } from './records/open.ts'

/** Folders of the data directory without which devices would not know their server again, and the packs of the installation. */
const FOLDERS = ['ca', 'keys', 'rules']
const FILES = ['vigia.yaml']

/** Writes the records, the authority, the server's keys and its configuration into one file. Metrics are not in it. */
export function backupInstallation(options: {
  dataDir: string
  owner: Connection
  file: string
  clock: Clock
}): Promise<{ bytes: number; tables: number; files: number }> {
  const files: ExtraFile[] = [
    ...FOLDERS.flatMap((folder) =>
      existsSync(join(options.dataDir, folder))
        ? readdirSync(join(options.dataDir, folder)).map((name) => `${folder}/${name}`)
        : [],
    ),
    ...FILES.filter((name) => existsSync(join(options.dataDir, name))),
  ].map((name) => ({ name, path: join(options.dataDir, name) }))
  return backup({ owner: options.owner, file: options.file, clock: options.clock, files })
}

/** Puts a backup back into a data directory whose server does not run. Throws DATA_IN_USE, BACKUP_INVALID or CONFLICT. */
export async function restoreInstallation(options: {
  dataDir: string
  databaseUrl: string | undefined
  file: string
  force: boolean
  clock: Clock
}): Promise<{ createdAtMs: number; tables: number; files: string[] }> {
  const { dataDir, databaseUrl, file, force, clock } = options
  const lock = lockDataDirectory(dataDir, clock())
  try {
    const opened = await openRecords({ dataDir, databaseUrl, clock, say: () => undefined })
    try {
      await opened.records.close()
      return await restore({ owner: opened.owner, file, clock, force, filesTo: dataDir })
    } finally {
      await opened.close()
    }
  } finally {
    lock.release()
  }
}
