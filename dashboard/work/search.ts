import type { ScriptContent } from '../../contract/command.ts'

/** The systems for which scripts are made. */
export const SYSTEMS = ['linux', 'windows', 'macos'] as const satisfies ScriptContent['systems'][number][]

/** What the address of the library chooses. */
export type ScriptSearch = {
  find?: string | undefined
  system?: (typeof SYSTEMS)[number] | undefined
  category?: string | undefined
}

/** What the address of the order form is filled with: a script, and where it is to run. */
export type OrderSearch = {
  script?: string
  device?: string
  view?: string
  /** Several devices, with commas between them. */
  devices?: string
  /** Values for the script's parameters, as JSON. */
  values?: string
  ticket?: string
}
