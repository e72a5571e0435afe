import { VigiaError } from '../../../contract/errors.ts'
import { agentPaths } from '../../paths.ts'
import { driveLetters } from '../../windows/kernel32.ts'
import { rootsHere } from '../files/path.ts'
import { createFileSession } from '../files/session.ts'
import type { RemoteKindUnit } from './kind.ts'

/** Files inside the folders of the policy; the agent's own folder stays closed. */
export const files: RemoteKindUnit = {
  name: 'files',
  async start(options) {
    const { request, policy } = options
    const roots = rootsHere(policy.fileRoots, driveLetters)
    if (roots.length === 0)
      throw new VigiaError('REMOTE_FORBIDDEN', 'The policy of this device opens no folder of it')
    const session = createFileSession({
      roots,
      control: request.control,
      closedFolders: [options.dataDir],
      partNotes: agentPaths(options.dataDir).remoteParts,
      respond: (payload) => options.send('response', payload),
      refuse: (message) => options.end('REQUEST_INVALID', message),
    })
    return {
      receive: (type, payload) => (type === 'request' ? session.request(payload) : undefined),
      stop: () => session.close(),
    }
  },
}
