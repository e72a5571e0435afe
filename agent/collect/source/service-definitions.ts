import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A service that the device itself defines in services.d/NAME.json: how it is known to run, and how it is started. */
export type ServiceDefinition = { name: string; pidFile: string; start: string[]; process?: string }

const NAME = /^[A-Za-z0-9][A-Za-z0-9@._-]{0,99}$/

/**
 * Every definition of a data directory, and for each file that is none, why. A file bears its service's name, by which
 * the remedy finds it too. No folder means no definition.
 */
export function readServiceDefinitions(dataDir: string): {
  definitions: ServiceDefinition[]
  faults: { file: string; message: string }[]
} {
  const folder = join(dataDir, 'services.d')
  let files: string[]
  try {
    files = readdirSync(folder)
  } catch {
    return { definitions: [], faults: [] }
  }
  const definitions: ServiceDefinition[] = []
  const faults: { file: string; message: string }[] = []
  for (const file of files.filter((each) => each.endsWith('.json')).sort()) {
    try {
      const definition = parseServiceDefinition(readFileSync(join(folder, file), 'utf8'))
      if (file !== `${definition.name}.json`)
        throw new Error(`name: the file of ${definition.name} is to be named ${definition.name}.json`)
      definitions.push(definition)
    } catch (thrown) {
      faults.push({
        file: join(folder, file),
        message: thrown instanceof Error ? thrown.message : String(thrown),
      })
    }
  }
  return { definitions, faults }
}

/**
 * Parses one definition: `name`, `pidFile` (absolute), `start` (argv of the command that starts it), and optionally
 * `process`, the name that the process must bear (/proc/PID/comm), so that a number used again by another process
 * is not taken for the service. Throws an Error that names every faulty field.
 */
export function parseServiceDefinition(text: string): ServiceDefinition {
  const read: unknown = JSON.parse(text)
  if (typeof read !== 'object' || read === null) throw new Error('an object is wanted')
  const { name, pidFile, start, process } = read as Record<string, unknown>
  const faults = [
    typeof name === 'string' && NAME.test(name) ? [] : ['name: a service name is wanted'],
    typeof pidFile === 'string' && pidFile.startsWith('/') ? [] : ['pidFile: an absolute path is wanted'],
    isArgv(start) ? [] : ['start: a list of texts is wanted, the program first'],
    process === undefined || (typeof process === 'string' && process !== '')
      ? []
      : ['process: a name is wanted'],
  ].flat()
  if (faults.length > 0) throw new Error(faults.join('; '))
  return {
    name: name as string,
    pidFile: pidFile as string,
    start: start as string[],
    ...(process === undefined ? {} : { process: process as string }),
  }
}

function isArgv(value: unknown): value is string[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string' && part !== '')
  )
}
