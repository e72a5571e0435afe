import * as z from 'zod'

/** What a technician may open on a device. */
export const REMOTE_KINDS = ['terminal', 'files', 'screen', 'rdp'] as const
export type RemoteKind = (typeof REMOTE_KINDS)[number]

/** `never`: refused. `ask`: the person at the machine is asked, and without one it is refused. `unattended`: nobody is asked. */
export const REMOTE_CONSENTS = ['never', 'ask', 'unattended'] as const

/** Where an RDP server listens (MS-RDPBCGR, 2.1). */
export const RDP_PORT = 3389

/** What one kind of device allows. */
export const RemotePolicy = z.object({
  terminal: z.enum(REMOTE_CONSENTS),
  files: z.enum(REMOTE_CONSENTS),
  screen: z.enum(REMOTE_CONSENTS),
  /** A technician's own RDP client, tunnelled. Roots from before there was this say nothing, which is never. */
  rdp: z.enum(REMOTE_CONSENTS).optional(),
  /**
   * Folders that a files session stays in, absolute; empty: none. A device passes over those of other systems; `/` is
   * every drive of Windows.
   */
  fileRoots: z.array(z.string().min(1).max(300)).max(20),
  /** Which way texts may be copied in a screen session. */
  clipboard: z.enum(['none', 'to-device', 'from-device', 'both']),
  /** Loopback port of the VNC server whose screen is tunnelled. */
  vncPort: z.number().int().min(1).max(65_535),
  /** Loopback port of the RDP server that is tunnelled; 3389 where nothing is said. */
  rdpPort: z.number().int().min(1).max(65_535).optional(),
  /** A session without a key pressed ends after this long. */
  idleS: z.number().int().min(30).max(86_400),
  /** A session ends after this long, whatever happens. */
  maxS: z.number().int().min(60).max(86_400),
})
export type RemotePolicy = z.infer<typeof RemotePolicy>

/** Signed into the trust root; a device takes the row of its own kind, unless its remote-policy.json says otherwise. */
export const RemotePolicies = z.object({ workstation: RemotePolicy, server: RemotePolicy })
export type RemotePolicies = z.infer<typeof RemotePolicies>

const common = { fileRoots: ['/'], vncPort: 5900, rdpPort: RDP_PORT, idleS: 900, maxS: 14_400 }

/** On a machine with a person in front of it that person is asked; a server has nobody to ask. */
export const DEFAULT_REMOTE_POLICIES: RemotePolicies = {
  workstation: {
    ...common,
    ...{ terminal: 'unattended', files: 'ask', screen: 'ask', rdp: 'ask', clipboard: 'none' },
  },
  server: {
    ...common,
    ...{ terminal: 'unattended', files: 'unattended', screen: 'unattended', rdp: 'unattended' },
    clipboard: 'none',
  },
}
