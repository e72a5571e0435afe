import { createHash, randomBytes } from 'node:crypto'

/** Crockford's base32 in small letters: nothing that reads as another. */
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz'
const CODES = 10
/** 80 bits, so that a plain hash of one cannot be searched. */
const CODE_LETTERS = 16

/** New recovery codes, as four groups of four letters. */
export function makeRecoveryCodes(): string[] {
  return Array.from({ length: CODES }, () =>
    [...randomBytes(CODE_LETTERS)]
      .map((byte) => LETTERS.charAt(byte & 31))
      .join('')
      .replaceAll(/(.{4})(?=.)/g, '$1-'),
  )
}

/** What is kept of a person's recovery code, however it was typed: spaces, hyphens and case do not matter. */
export function recoveryHash(person: string, typed: string): string {
  const code = typed.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1')
  return createHash('sha256').update(`vigia recovery code\n${person}\n${code}`).digest('hex')
}
