import { readFileSync } from 'node:fs'
import { basename, dirname, extname } from 'node:path'
import { ScriptContent } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'
import { declarationFaults } from '../../contract/parameters.ts'
import { readSource } from '../../server/script/library.ts'

export type ScriptFileOptions = { scriptVersion: number; timeout: number }

const INTERPRETERS: Record<string, ScriptContent['interpreter']> = {
  '.sh': 'bash',
  '.py': 'python3',
  '.mjs': 'node',
  '.js': 'node',
  '.ps1': 'powershell',
  '.cmd': 'batch',
  '.bat': 'batch',
}

/** A script as its author wrote it: NAME.yaml with its body beside it, or a bare script. USAGE, CONFIG_INVALID. */
export function readScriptFile(
  file: string,
  options: ScriptFileOptions,
  over: Partial<Pick<ScriptContent, 'kind' | 'devices'>>,
): ScriptContent {
  const extension = extname(file).toLowerCase()
  const name = basename(file, extname(file))
  if (extension === '.yaml' || extension === '.yml')
    return checked(file, { ...readSource(dirname(file), name), ...over })
  const interpreter = INTERPRETERS[extension]
  if (interpreter === undefined)
    throw new VigiaError(
      'USAGE',
      `FILE ends in .yaml, .json, ${Object.keys(INTERPRETERS).join(', ')}, not ${JSON.stringify(extension)}.`,
    )
  return checked(file, {
    name,
    version: options.scriptVersion,
    title: name,
    description: '',
    interpreter,
    systems: interpreter === 'powershell' || interpreter === 'batch' ? ['windows'] : ['linux', 'macos'],
    parameters: {},
    timeoutS: options.timeout,
    idempotent: false,
    changes: 'not said',
    successCodes: [0],
    body: readFileSync(file, 'utf8'),
    ...over,
  })
}

function checked(file: string, value: unknown): ScriptContent {
  const content = ScriptContent.safeParse(value)
  const faults = content.success
    ? declarationFaults(content.data)
    : content.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
  if (content.success && faults.length === 0) return content.data
  throw new VigiaError('CONFIG_INVALID', `${file} cannot be approved as it is.`, {
    faults: faults.map((fault) => ({ file, ...fault })),
  })
}
