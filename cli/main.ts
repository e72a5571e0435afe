import { CommanderError, type Command } from 'commander'
import { VigiaError } from '../contract/errors.ts'
import { printError } from './output.ts'
import { buildProgram } from './program.ts'

// The `vigia` command: 0 is success; other exit codes stand in docs/reference/errors.md.
// A reader that has seen enough (`vigia … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const json = process.argv.includes('--json')
const program = buildProgram(json)
let asked = 'vigia'
program.hook('preAction', (_program, action) => {
  asked = nameOf(action)
})
try {
  await program.parseAsync()
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    // Help and version are no errors; commander has printed what a person needs.
    process.exitCode =
      thrown.exitCode === 0
        ? 0
        : json
          ? printError(new VigiaError('USAGE', thrown.message.replace(/^error: /, '')), true)
          : 2
  } else process.exitCode = printError(thrown, json, asked)
}

/** The words by which a command is called. */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}
