/** Writes records of utmp(5) as the two layouts of glibc have them. */
export function loginRecord(
  record: { type: number; pid?: number; line?: string; user?: string; host?: string; timeMs: number },
  arch: 'x64' | 'arm64' = 'x64',
): Buffer {
  const bytes = Buffer.alloc(arch === 'arm64' ? 400 : 384)
  bytes.writeInt16LE(record.type, 0)
  bytes.writeInt32LE(record.pid ?? 1, 4)
  bytes.write(record.line ?? '', 8)
  bytes.write(record.user ?? '', 44)
  bytes.write(record.host ?? '', 76)
  const seconds = Math.floor(record.timeMs / 1000)
  if (arch === 'arm64') bytes.writeBigInt64LE(BigInt(seconds), 344)
  else bytes.writeInt32LE(seconds, 340)
  return bytes
}
