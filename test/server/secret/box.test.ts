import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSecretBox } from '../../../server/secret/box.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vigia-box-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('the box of secrets', () => {
  it('opens after a restart what it sealed before, whatever the text', () => {
    for (const text of ['', 'x', 'contraseña ñandú 密码', 'a\nb\0c', 'z'.repeat(4096)]) {
      const sealed = openSecretBox(directory).seal(text, 'here')
      expect(openSecretBox(directory).open(sealed, 'here')).toBe(text)
      if (text.length > 3) expect(sealed.includes(Buffer.from(text))).toBe(false)
    }
  })

  it('seals the same text differently each time', () => {
    const box = openSecretBox(directory)
    expect(box.seal('same', 'here').equals(box.seal('same', 'here'))).toBe(false)
  })

  it('opens nothing under another context, with another key, or after one bit was changed', () => {
    const box = openSecretBox(directory)
    const sealed = box.seal('the word', 'client acme')
    const refused = expect.objectContaining({ code: 'DATA_UNREADABLE' })
    expect(() => box.open(sealed, 'client globex')).toThrow(refused)
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(() => box.open(changed, 'client acme'), `byte ${at}`).toThrow(refused)
    }
    expect(() => box.open(Buffer.alloc(5), 'client acme')).toThrow(refused)
    const other = mkdtempSync(join(tmpdir(), 'vigia-box-'))
    expect(() => openSecretBox(other).open(sealed, 'client acme')).toThrow(refused)
    rmSync(other, { recursive: true })
  })

  it.skipIf(process.platform === 'win32')('keeps its key for its owner alone', () => {
    openSecretBox(join(directory, 'keys'))
    expect(statSync(join(directory, 'keys', 'secrets.key')).mode & 0o777).toBe(0o600)
    expect(statSync(join(directory, 'keys')).mode & 0o777).toBe(0o700)
  })

  it('refuses a key file that is none, instead of making another one over it', () => {
    for (const text of ['', 'short', Buffer.alloc(31).toString('base64')]) {
      writeFileSync(join(directory, 'secrets.key'), text)
      expect(() => openSecretBox(directory)).toThrow(expect.objectContaining({ code: 'DATA_UNREADABLE' }))
    }
  })
})
