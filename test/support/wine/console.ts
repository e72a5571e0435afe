// Loaded before everything else under Wine 8, whose pseudo console gives a shell no handles unless it is given some:
// Windows fills in what STARTF_USESTDHANDLES leaves empty. So the shell is begun by another, which opens the console.
import { createRequire } from 'node:module'

type Pty = { spawn: (file: string, args: string[] | string, options: unknown) => unknown }

if (process.argv[1]?.endsWith('host.ts')) {
  const library = createRequire('file:///V:/agent/remote/host.ts')('@lydell/node-pty') as Pty
  const { spawn } = library
  library.spawn = (file, _args, options) =>
    spawn('C:\\windows\\system32\\cmd.exe', `/d /c ${file} <CONIN$ >CONOUT$ 2>CONOUT$`, options)
}
