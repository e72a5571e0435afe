/** One record of utmp(5): a login, or in btmp a failed one. Time in Unix milliseconds. */
export type LoginRecord = {
  type: number
  pid: number
  line: string
  user: string
  host: string
  timeMs: number
}

/** A user's session in utmp. */
export const USER_PROCESS = 7

/**
 * Bytes of one record: 384 where glibc keeps 32-bit times beside 64-bit programs (x86-64 and others), 400 on
 * AArch64 and RISC-V (glibc, bits/utmp.h, __WORDSIZE_TIME64_COMPAT32).
 */
export function loginRecordBytes(arch: string): number {
  return hasWideTime(arch) ? 400 : 384
}

/** Parses whole records; a rest at the end that is no whole record is left out. */
export function parseLoginRecords(bytes: Buffer, arch: string): LoginRecord[] {
  const size = loginRecordBytes(arch)
  const wide = hasWideTime(arch)
  const records: LoginRecord[] = []
  for (let at = 0; at + size <= bytes.length; at += size) {
    const seconds = wide ? Number(bytes.readBigInt64LE(at + 344)) : bytes.readUInt32LE(at + 340)
    records.push({
      type: bytes.readInt16LE(at),
      pid: bytes.readInt32LE(at + 4),
      line: readText(bytes, at + 8, 32),
      user: readText(bytes, at + 44, 32),
      host: readText(bytes, at + 76, 256),
      timeMs: seconds * 1000,
    })
  }
  return records
}

function hasWideTime(arch: string): boolean {
  return arch === 'arm64' || arch === 'riscv64' || arch === 'loong64'
}

function readText(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at)
  return bytes.toString('utf8', at, end < 0 || end > at + length ? at + length : end)
}
