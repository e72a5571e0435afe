import { spawn } from '@lydell/node-pty'
import { BIN, eventually, type Installation } from './installation.ts'

/** A command in a terminal, as a person has it. */
export type InPty = {
  text(): string
  sees(pattern: RegExp): Promise<unknown>
  type(keys: string): void
  resize(columns: number, rows: number): void
  /** Its exit code. */
  exit: Promise<number>
}

/** Runs `vigia ARGS` against an installation in a terminal of 100 columns and 30 rows. */
export function vigiaInPty(site: Installation, args: readonly string[]): InPty {
  const pty = spawn(process.execPath, [BIN, ...args, '--server', site.url], {
    ...{ name: 'xterm-256color', cols: 100, rows: 30 },
    env: site.env,
  })
  let text = ''
  pty.onData((piece) => (text += piece))
  return {
    text: () => text,
    sees: (pattern) =>
      eventually(`${String(pattern)} in ${args.join(' ')}`, 20_000, async () => pattern.test(text)).catch(
        (thrown: unknown) => {
          throw new Error(`${String(thrown)}; it showed ${JSON.stringify(text)}`)
        },
      ),
    type: (keys) => pty.write(keys),
    resize: (columns, rows) => pty.resize(columns, rows),
    exit: new Promise((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode))),
  }
}
