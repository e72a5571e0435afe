import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, extname } from 'node:path'
import type { Command } from 'commander'
import { ScriptContent } from '../contract/command.ts'
import { SCRIPT_TYPE } from '../contract/dsse.ts'
import { VigiaError } from '../contract/errors.ts'
import { openKeyStore, personalKeyDirectory } from '../server/script/key-store.ts'
import { readSource, scriptPayload } from '../server/script/library.ts'
import { seal } from '../server/script/sign.ts'
import { APPROVER_KEY } from './approver-key.ts'
import { contextOf } from './command.ts'
import { numberOption } from './options.ts'
import { table, when } from './output.ts'

/** `vigia approve`, `keys`, `scripts`. */
export function registerApprove(program: Command): void {
  program
    .command('approve <file>')
    .description(
      'sign a script with your own key and hand it to the server; FILE is NAME.yaml with its body beside it, or a bare script',
    )
    .option('--key <name>', 'which key of your key store', APPROVER_KEY)
    .addOption(numberOption('--script-version <number>', 'version of a bare script', 1))
    .addOption(numberOption('--timeout <seconds>', 'time limit of a bare script', 300))
    .action(
      async (
        file: string,
        options: { key: string; scriptVersion: number; timeout: number },
        command: Command,
      ) => {
        const { server, out } = contextOf(command)
        if (!existsSync(file)) throw new VigiaError('NOT_FOUND', `There is no file ${file}.`)
        const content = readScript(file, options)
        const key = openKeyStore(personalKeyDirectory(process.env)).load(options.key)
        const envelope = seal(SCRIPT_TYPE, scriptPayload(content), [key])
        const stored = await server.call('addScript', { body: envelope })
        out.print(stored, () => [
          `${stored.name} version ${stored.version} is approved by ${key.name} (${key.keyid.slice(0, 12)}).`,
          `Digest ${stored.digest}. Run it with "vigia run ${stored.name} --device D --follow".`,
        ])
      },
    )

  const keys = program.command('keys').description('the approving keys in your own key store')
  keys
    .command('list')
    .description('the keys you have')
    .action((_options: unknown, command: Command) => {
      const { out } = contextOf(command)
      const directory = personalKeyDirectory(process.env)
      const all = openKeyStore(directory).list()
      out.print(all, () =>
        all.length === 0
          ? `No key in ${directory}. Make one with "vigia keys create NAME".`
          : table(
              ['NAME', 'KEY ID'],
              all.map((key) => [key.name, key.keyid]),
            ),
      )
    })
  keys
    .command('create <name>')
    .description('make a new Ed25519 key; only its public part ever leaves this machine')
    .action((name: string, _options: unknown, command: Command) => {
      const { out } = contextOf(command)
      const key = openKeyStore(personalKeyDirectory(process.env)).create(name)
      out.print(
        { name: key.name, keyid: key.keyid, publicKey: key.publicKey },
        () => `Key ${key.name} made: ${key.keyid}`,
      )
    })

  program
    .command('scripts')
    .description('approved scripts, newest version of each')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const { scripts } = await server.call('scripts')
      out.print(scripts, () =>
        table(
          ['SCRIPT', 'VERSION', 'SYSTEMS', 'PARAMETERS', 'APPROVED', 'TITLE'],
          scripts.map(({ content, approvedAtMs }) => [
            content.name,
            content.version,
            content.systems.join(' '),
            Object.keys(content.parameters).join(' '),
            when(approvedAtMs),
            content.title,
          ]),
        ),
      )
    })
}

const INTERPRETERS: Record<string, ScriptContent['interpreter']> = {
  '.sh': 'bash',
  '.py': 'python3',
  '.mjs': 'node',
  '.js': 'node',
  '.ps1': 'powershell',
}

function readScript(file: string, options: { scriptVersion: number; timeout: number }): ScriptContent {
  const extension = extname(file).toLowerCase()
  const name = basename(file, extname(file))
  if (extension === '.yaml' || extension === '.yml') return readSource(dirname(file), name)
  const interpreter = INTERPRETERS[extension]
  if (interpreter === undefined)
    throw new VigiaError(
      'USAGE',
      `FILE ends in .yaml, ${Object.keys(INTERPRETERS).join(', ')}, not ${JSON.stringify(extension)}.`,
    )
  const content = ScriptContent.safeParse({
    name,
    version: options.scriptVersion,
    title: name,
    description: '',
    interpreter,
    systems: interpreter === 'powershell' ? ['windows'] : ['linux', 'macos'],
    parameters: {},
    timeoutS: options.timeout,
    idempotent: false,
    changes: 'not said',
    successCodes: [0],
    body: readFileSync(file, 'utf8'),
  })
  if (content.success) return content.data
  throw new VigiaError('CONFIG_INVALID', `${file} cannot be approved as it is.`, {
    faults: content.error.issues.map((issue) => ({
      file,
      field: issue.path.join('.'),
      message: issue.message,
    })),
  })
}
