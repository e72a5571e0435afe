import { join } from 'node:path'

/** Where everything lies in an agent's data directory. */
export function agentPaths(dataDir: string) {
  return {
    config: join(dataDir, 'agent.json'),
    key: join(dataDir, 'key.pem'),
    certificate: join(dataDir, 'cert.pem'),
    /** The exact text of the trust root that is pinned. */
    trust: join(dataDir, 'trust.json'),
    /** The authority under which the device last got in, while another one is new: see trust/authorities.ts. */
    authorityBefore: join(dataDir, 'authority-before.pem'),
    /** The policy that the server gave last. */
    policy: join(dataDir, 'policy.json'),
    outbox: join(dataDir, 'outbox'),
    jobs: join(dataDir, 'jobs'),
    services: join(dataDir, 'services.d'),
    /** Every remote session that was accepted here. */
    remoteSeen: join(dataDir, 'remote-seen'),
    /** Where part files of uploads are: a file each. */
    remoteParts: join(dataDir, 'remote-parts'),
    /** What this device says of remote sessions over what the trust root does. */
    remotePolicy: join(dataDir, 'remote-policy.json'),
    /** While this file is there, the device runs no command whoever signed it. */
    killSwitch: join(dataDir, 'commands-disabled'),
    /** Compiled code, so that a start costs neither time nor the memory of the compiler. */
    codeCache: join(dataDir, 'code-cache'),
    /** Who runs in this directory. */
    lock: join(dataDir, 'agent.lock'),
  }
}
