import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ParameterValues, ScriptContent } from '../../../../contract/command.ts'
import { resolveParameters } from '../../../../contract/parameters.ts'
import { LIBRARY_DIRECTORY, readSource, scriptSources } from '../../../../server/script/library.ts'

const UNIX_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
export const isRoot = process.getuid?.() === 0

export type Ran = {
  code: number | null
  stdout: string
  stderr: string
  fields: Record<string, string>
  /** What the stand-ins were called with: name and words of each call. */
  calls: string[]
}

export type Around = {
  /** Stand-ins for tools that cannot be had: name and body (sh), first on the PATH. Each writes down its calls. */
  tools?: Record<string, string>
  /** Only these folders are on the PATH, beside the stand-ins. */
  path?: string
  /** Files that are there for this run only, laid over the system's in a mount namespace of its own. Needs root. */
  files?: Record<string, string>
  /** Folders of the system over which a folder with these files is laid, such as /proc. Needs root. */
  instead?: Record<string, Record<string, string>>
  env?: Record<string, string>
  dryRun?: boolean
  /** Hands the values over unchecked, as no server and no agent would. */
  unchecked?: boolean
  cwd?: string
  timeoutMs?: number
}

export const sources = scriptSources(LIBRARY_DIRECTORY)
export const contents = new Map(sources.map(({ folder, name }) => [name, readSource(folder, name)]))

export function contentOf(name: string): ScriptContent {
  const content = contents.get(name)
  if (content === undefined) throw new Error(`no script ${name} ships`)
  return content
}

type Prepared = {
  file: string
  words: string[]
  options: { cwd: string; env: Record<string, string>; timeout: number }
  /** Reads what there is to read and clears away. */
  finish(code: number | null, stdout: string, stderr: string): Ran
}

/** Runs a shipped script as the agent does: values checked against its parameters, a clean environment, no input. */
export function runScript(name: string, parameters: ParameterValues = {}, around: Around = {}): Ran {
  const { file, words, options, finish } = prepare(name, parameters, around)
  const ended = spawnSync(file, words, { ...options, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  return finish(ended.status, ended.stdout, ended.stderr)
}

/** The same without holding this process up, for scripts that talk with it. */
export function runAsync(name: string, parameters: ParameterValues = {}, around: Around = {}): Promise<Ran> {
  const { file, words, options, finish } = prepare(name, parameters, around)
  const child = spawn(file, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(finish(code, texts.stdout, texts.stderr)))
  })
}

function prepare(name: string, parameters: ParameterValues, around: Around): Prepared {
  const content = contentOf(name)
  const { values, faults } = around.unchecked
    ? { values: parameters, faults: [] }
    : resolveParameters(content, parameters)
  if (faults.length > 0) throw new Error(`${name}: ${JSON.stringify(faults)}`)
  const work = mkdtempSync(join(tmpdir(), 'vigia-script-'))
  chmodSync(work, 0o755)
  const script = join(work, content.interpreter === 'node' ? 'script.js' : 'script.sh')
  writeFileSync(script, content.body)
  const log = join(work, 'calls')
  layTools(join(work, 'tools'), log, around.tools ?? {})
  const [file, ...words] = inNamespace(work, around, [...interpreterOf(content), script])
  return {
    file: file!,
    words,
    options: {
      cwd: around.cwd ?? work,
      env: {
        PATH: `${join(work, 'tools')}:${around.path ?? UNIX_PATH}`,
        HOME: '/root',
        LANG: 'C.UTF-8',
        ...Object.fromEntries(
          Object.entries(values).map(([key, value]) => [`VIGIA_PARAM_${key.toUpperCase()}`, String(value)]),
        ),
        ...(around.dryRun && { VIGIA_DRY_RUN: '1' }),
        ...around.env,
      },
      timeout: around.timeoutMs ?? 30_000,
    },
    finish(code, stdout, stderr) {
      const fields = [...stdout.matchAll(/^VIGIA_FIELD ([a-z_0-9]+)=(.*)$/gm)]
      const calls = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []
      rmSync(work, { recursive: true, force: true })
      return {
        ...{ code, stdout, stderr, calls },
        fields: Object.fromEntries(fields.map(([, key, value]) => [key, value])),
      }
    },
  }
}

function interpreterOf({ name, interpreter }: ScriptContent): string[] {
  if (interpreter === 'sh') return ['/bin/sh']
  if (interpreter === 'bash') return ['/bin/bash', '--noprofile', '--norc']
  if (interpreter === 'node') return [process.execPath]
  throw new Error(`${name} cannot be run here: nothing runs ${interpreter}`)
}

function layTools(folder: string, log: string, tools: Record<string, string>): void {
  mkdirSync(folder)
  for (const [name, body] of Object.entries(tools)) {
    const note = `printf '%s\\n' "${name}\${*:+ $*}" >>'${log}'`
    writeFileSync(join(folder, name), `#!/bin/sh\n${note}\n${body}\n`, { mode: 0o755 })
  }
}

/** The words that run `words` where `files` and `instead` are there: overlays and binds that end with the process. */
function inNamespace(work: string, { files = {}, instead = {} }: Around, words: string[]): string[] {
  const steps: string[] = []
  const lay = (folder: string, path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const tops = new Map<string, string>()
  for (const [path, text] of Object.entries(files)) {
    const top = `/${path.split('/')[1]}`
    const folder = tops.get(top) ?? join(work, `over${tops.size}`)
    tops.set(top, folder)
    lay(folder, path.slice(top.length + 1), text)
  }
  for (const [top, folder] of tops) {
    // Memory, since not every file system may be the upper one.
    const memory = `${folder}-memory`
    mkdirSync(memory)
    steps.push(
      `mount -t tmpfs vigia '${memory}' && mkdir '${memory}/work' && cp -a '${folder}' '${memory}/upper'`,
    )
    const options = `lowerdir='${top}',upperdir='${memory}/upper',workdir='${memory}/work'`
    steps.push(`mount -t overlay vigia -o ${options} '${top}'`)
  }
  for (const [number, [place, texts]] of Object.entries(instead).entries()) {
    const folder = join(work, `instead${number}`)
    mkdirSync(folder)
    for (const [path, text] of Object.entries(texts)) lay(folder, path, text)
    steps.push(`mount --bind '${folder}' '${place}'`)
  }
  if (steps.length === 0) return words
  return ['/usr/bin/unshare', '-m', '/bin/sh', '-c', `${steps.join(' && ')} && exec "$@"`, 'sh', ...words]
}
