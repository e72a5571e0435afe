import type { Collector, Labels } from './collector.ts'
import { parseMountinfo, watchedMounts, type Mount } from './source/mounts.ts'
import type { Reader } from './source/read.ts'
import type { WindowsPosture } from './source/windows-posture.ts'

const ANSWER_MS = 10_000
/** The firmware and the boot loader have to read these. */
const BOOT = /^\/(?:boot|efi)(?:\/|$)/

/**
 * Whether each file system that holds data lies on an encrypted device. Linux: a device-mapper target whose uuid
 * begins with CRYPT- (libdevmapper, cryptsetup) beneath it; macOS: FileVault; Windows: BitLocker's protection.
 * Unavailable where what lies beneath cannot be followed (network, overlay, encryption of the file system itself).
 */
export const encryption: Collector = {
  name: 'encryption',
  intervalS: 3600,
  metrics: ['encryption.enabled'],
  create({ reader, platform, program, windows }) {
    const labels = new Map<string, Labels>()
    const of = (mount: string): Labels => {
      const known = labels.get(mount) ?? { mount }
      labels.set(mount, known)
      return known
    }
    let posture: WindowsPosture | undefined
    let fileVault: boolean | undefined
    return {
      async prepare() {
        posture = await windows()
        if (platform !== 'darwin') return
        const { exitCode, stdout } = await program('/usr/bin/fdesetup', ['status'], ANSWER_MS)
        fileVault = exitCode === 0 ? parseFileVault(stdout) : undefined
      },
      collect(sink) {
        if (platform === 'darwin')
          return sink.set('encryption.enabled', of('/'), fileVault === undefined ? undefined : +fileVault)
        if (platform === 'win32') {
          for (const { mount, encrypted } of posture?.volumes ?? [])
            sink.set('encryption.enabled', of(mount), Number(encrypted))
          return
        }
        const mounts = parseMountinfo(reader.text('/proc/self/mountinfo') ?? '')
        for (const each of watchedMounts(mounts, []))
          if (!BOOT.test(each.mount) && !each.readonly)
            sink.set('encryption.enabled', of(each.mount), lookBeneath(reader, each))
      },
    }
  },
}

/** Parses `fdesetup status`: "FileVault is On." or "FileVault is Off."; while it encrypts it is not protected yet. */
export function parseFileVault(text: string): boolean | undefined {
  const word = /^FileVault is (On|Off)\b/m.exec(text)?.[1]
  return word === undefined ? undefined : word === 'On' && !/Encryption in progress/.test(text)
}

function lookBeneath(reader: Reader, { device, source }: Mount): number | undefined {
  const name = blockName(reader, device, source)
  if (name === undefined) return undefined
  return isEncrypted(reader, `/sys/class/block/${name}`, 8) ? 1 : 0
}

/** sda2, dm-0: by the mount's own number, or for file systems with none of their own (btrfs) by their source. */
function blockName(reader: Reader, device: string, source: string): string | undefined {
  const byNumber = reader.link(`/sys/dev/block/${device}`)?.split('/').at(-1)
  if (byNumber !== undefined) return byNumber
  if (!source.startsWith('/dev/')) return undefined
  const name = (reader.link(source) ?? source).split('/').at(-1) ?? ''
  return name !== '' && reader.exists(`/sys/class/block/${name}`) ? name : undefined
}

/** Encrypted when the device or everything beneath it is: a mirror is as open as its open half. */
function isEncrypted(reader: Reader, path: string, depth: number): boolean {
  if (reader.text(`${path}/dm/uuid`, 256)?.startsWith('CRYPT-')) return true
  const beneath = reader.list(`${path}/slaves`) ?? []
  return (
    depth > 0 &&
    beneath.length > 0 &&
    beneath.every((name) => isEncrypted(reader, `/sys/class/block/${name}`, depth - 1))
  )
}
