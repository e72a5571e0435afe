import type { Command } from 'commander'
import { dataDirectory, serverUrl } from './paths.ts'
import { createPrinter, type Printer } from './output.ts'
import { connectLocal, type ServerApi } from './server-api.ts'

/** What every command gets: where the data lie, the server, and how to print. */
export type Context = { dataDir: string; server: ServerApi; out: Printer }

type GlobalOptions = { data?: string; server?: string; json?: boolean }

/** Reads the options that hold for every command. */
export function contextOf(command: Command): Context {
  const options = command.optsWithGlobals<GlobalOptions>()
  const dataDir = dataDirectory(options.data)
  return {
    dataDir,
    server: connectLocal({ url: serverUrl(options.server, dataDir), dataDir }),
    out: createPrinter(options.json === true),
  }
}
