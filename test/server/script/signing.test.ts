import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { CommandOrder, ScriptContent } from '../../../contract/command.ts'
import { DsseEnvelope, ORDER_TYPE, SCRIPT_TYPE } from '../../../contract/trust/dsse.ts'
import { openKeyStore, personalKeyDirectory } from '../../../server/script/key-store.ts'
import { keyIdOf, makeKey, openKey, publicPart } from '../../../server/script/keys.ts'
import {
  LIBRARY_DIRECTORY,
  openScript,
  projectKey,
  readSource,
  scriptPayload,
  scriptSources,
  shippedScripts,
} from '../../../server/script/library.ts'
import { makeOrder } from '../../../server/script/order.ts'
import { checkParameters } from '../../../server/script/parameters.ts'
import { signLibrary } from '../../../server/script/sign-library.ts'
import { payloadDigest, seal } from '../../../server/script/sign.ts'
import { signersOf } from '../../../server/script/verify.ts'

const home = mkdtempSync(join(tmpdir(), 'vigia-keys-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const ana = openKey(makeKey('ana'))
const eve = openKey(makeKey('eve'))
const bytes = (text: string) => new TextEncoder().encode(text)

describe('envelopes', () => {
  it('carry the example of DSSE’s protocol.md under the key of RFC 8032, test 1', () => {
    const key = openKey({
      ...{ v: 1, name: 'rfc8032' },
      keyid: keyIdOf('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'),
      publicKey: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      secretKey: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    })
    const envelope = seal('http://example.com/HelloWorld', bytes('hello world'), [key])
    expect(envelope.payload).toBe('aGVsbG8gd29ybGQ=')
    expect(DsseEnvelope.parse(envelope)).toEqual(envelope)
    expect(signersOf(envelope, [publicPart(key)])).toHaveLength(1)
    expect(payloadDigest(envelope)).toBe('b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9')
  })
  it('count a key once, an unknown key never, and a forged signature for nothing', () => {
    const envelope = seal(SCRIPT_TYPE, bytes('x'), [ana, ana, eve])
    expect(signersOf(envelope, [ana, ana]).map((key) => key.name)).toEqual(['ana'])
    const [first] = envelope.signatures
    const forged = { ...envelope, signatures: [{ keyid: ana.keyid, sig: eveSig(envelope) }] }
    expect(signersOf(forged, [ana, eve])).toEqual([])
    expect(signersOf({ ...forged, signatures: [...forged.signatures, first!] }, [ana])).toHaveLength(1)
  })
  it('hold for no other payload and no other type', () => {
    const envelope = seal(SCRIPT_TYPE, bytes('content'), [ana])
    fc.assert(
      fc.property(fc.nat(6), fc.integer({ min: 1, max: 255 }), (place, flip) => {
        const payload = Buffer.from(envelope.payload, 'base64')
        payload[place] = payload[place]! ^ flip
        expect(signersOf({ ...envelope, payload: payload.toString('base64') }, [ana])).toEqual([])
      }),
    )
    expect(signersOf({ ...envelope, payloadType: ORDER_TYPE }, [ana])).toEqual([])
  })
  it('do not trust a key id that is not the hash of its key', () => {
    const lie = { ...publicPart(eve), keyid: ana.keyid }
    const envelope = seal(SCRIPT_TYPE, bytes('x'), [{ ...eve, keyid: ana.keyid }])
    expect(signersOf(envelope, [lie])).toEqual([])
  })
})
function eveSig(envelope: DsseEnvelope): string {
  return seal(envelope.payloadType, Buffer.from(envelope.payload, 'base64'), [eve]).signatures[0]!.sig
}

describe('the key store', () => {
  const store = openKeyStore(join(home, 'keys'))
  it('makes keys that only their owner can read, and never writes over one', () => {
    const key = store.create('ana')
    expect(statSync(join(home, 'keys/ana.json')).mode & 0o777).toBe(0o600)
    expect(statSync(join(home, 'keys')).mode & 0o777).toBe(0o700)
    expect(publicPart(store.load('ana'))).toEqual(publicPart(key))
    expect(store.list()).toEqual([publicPart(key)])
    expect(() => store.create('ana')).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    expect(() => store.load('nobody')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })
  it('refuses looser modes, links, damage and names that are paths', () => {
    const file = join(home, 'keys/ana.json')
    const unreadable = expect.objectContaining({ code: 'DATA_UNREADABLE' })
    chmodSync(file, 0o640)
    expect(() => store.load('ana')).toThrow(unreadable)
    chmodSync(file, 0o600)
    chmodSync(join(home, 'keys'), 0o777)
    expect(() => store.load('ana')).toThrow(unreadable)
    chmodSync(join(home, 'keys'), 0o700)
    symlinkSync(file, join(home, 'keys/link.json'))
    expect(() => store.load('link')).toThrow(unreadable)
    rmSync(join(home, 'keys/link.json'))
    const other = makeKey('x')
    writeFileSync(join(home, 'keys/mixed.json'), JSON.stringify({ ...other, publicKey: ana.publicKey }), {
      mode: 0o600,
    })
    expect(() => store.load('mixed')).toThrow(unreadable)
    writeFileSync(
      join(home, 'keys/mixed.json'),
      JSON.stringify({ ...other, publicKey: ana.publicKey, keyid: ana.keyid }),
    )
    expect(() => store.load('mixed')).toThrow(unreadable)
    rmSync(join(home, 'keys/mixed.json'))
    for (const name of ['../ana', 'a/b', '', '.hidden'])
      expect(() => store.load(name), name).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
  })
  it('lies in the configuration of the person', () => {
    expect(personalKeyDirectory({ VIGIA_KEYS: '/k' })).toBe('/k')
    expect(personalKeyDirectory({ HOME: '/home/ana' })).toBe('/home/ana/.config/vigia/keys')
    expect(personalKeyDirectory({ HOME: '/h', XDG_CONFIG_HOME: '/c' })).toBe('/c/vigia/keys')
  })
})

describe('the scripts that ship', () => {
  it('are signed by the project’s key, and are what their sources say', () => {
    const sources = scriptSources(LIBRARY_DIRECTORY)
    const names = sources.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['clear-temp', 'restart-service', 'device-facts', 'top-processes', 'flush-dns']),
    )
    const shipped = shippedScripts()
    expect(shipped.map((script) => script.content.name)).toEqual(names)
    for (const { envelope, content } of shipped) {
      expect(signersOf(envelope, [projectKey()]), content.name).toHaveLength(1)
      const { folder } = sources.find(({ name }) => name === content.name)!
      const source = Buffer.from(scriptPayload(readSource(folder, content.name))).toString('base64')
      expect(envelope.payload, `${content.name}: sign the library again`).toBe(source)
    }
    expect(projectKey().keyid).toBe(keyIdOf(projectKey().publicKey))
  })
  it('would not pass under another key, and a new key signs them anew', () => {
    const copy = join(home, 'library')
    cpSync(LIBRARY_DIRECTORY, copy, { recursive: true })
    writeFileSync(join(copy, 'signed/project.pub.json'), JSON.stringify(publicPart(eve)))
    expect(() => shippedScripts(copy)).toThrow(expect.objectContaining({ code: 'COMMAND_FORGED' }))
    signLibrary(copy, ana)
    expect(shippedScripts(copy).map((script) => script.digest)).toEqual(
      shippedScripts().map((script) => script.digest),
    )
    expect(projectKey(copy)).toEqual(publicPart(ana))
    rmSync(join(copy, 'signed/clear-temp.dsse.json'))
    expect(() => shippedScripts(copy)).toThrow(expect.objectContaining({ code: 'COMMAND_UNAPPROVED' }))
  })
  it('are refused with every fault of their source', () => {
    const folder = join(home, 'faulty')
    mkdirSync(folder)
    writeFileSync(join(folder, 'bad.yaml'), 'name: bad\nversion: 0\ninterpreter: perl\nextra: 1\n')
    expect(() => readSource(folder, 'bad')).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        faults: expect.arrayContaining([
          expect.objectContaining({ field: 'version' }),
          expect.objectContaining({ field: 'interpreter' }),
        ]),
      }),
    )
  })
  it('are opened only when they are scripts', () => {
    const malformed = expect.objectContaining({ code: 'COMMAND_MALFORMED' })
    expect(() => openScript(seal(ORDER_TYPE, bytes('{}'), [ana]))).toThrow(malformed)
    expect(() => openScript(seal(SCRIPT_TYPE, bytes('{'), [ana]))).toThrow(malformed)
    expect(() => openScript(seal(SCRIPT_TYPE, bytes('{}'), [ana]))).toThrow(malformed)
  })
  it('are no scripts when nothing could fit a parameter, or its own default does not', () => {
    const declared = {
      open: { type: 'string', pattern: '[a-z', help: '' },
      // Whole only inside the brackets that are put around it: it would let everything through.
      loose: { type: 'string', pattern: 'a)|(.*', help: '' },
      word: { type: 'string', pattern: '[a-z]+', default: 'A1', help: '' },
      none: { type: 'integer', min: 3, max: 2, help: '' },
      count: { type: 'integer', min: 1, max: 3, default: 9, help: '' },
      way: { type: 'choice', choices: ['a'], default: 'b', help: '' },
      fine: { type: 'string', pattern: '[a-z]+', default: 'a', help: '' },
    }
    const parameters = ScriptContent.shape.parameters.parse(declared)
    const { content } = shippedScripts()[0]!
    expect(() =>
      openScript(seal(SCRIPT_TYPE, bytes(JSON.stringify({ ...content, parameters })), [ana])),
    ).toThrow(
      expect.objectContaining({
        code: 'COMMAND_MALFORMED',
        faults: [
          'open.pattern',
          'loose.pattern',
          'word.default',
          'none.min',
          'count.default',
          'way.default',
        ].map((field) => expect.objectContaining({ field: `parameters.${field}` }) as unknown),
      }),
    )
  })
})

describe('parameters', () => {
  const script = ScriptContent.parse({
    ...{
      name: 'x',
      version: 1,
      title: '',
      description: '',
      interpreter: 'sh',
      systems: ['linux'],
      timeoutS: 1,
    },
    ...{ idempotent: true, changes: '', successCodes: [0], body: 'true' },
    parameters: {
      word: { type: 'string', pattern: '[a-z]+|-', maxLength: 5, help: '' },
      count: { type: 'integer', min: 1, max: 3, default: 2, help: '' },
      sure: { type: 'boolean', default: false, help: '' },
      kind: { type: 'choice', choices: ['a', 'b'], default: 'a', help: '' },
    },
  })
  it('are filled with defaults', () => {
    expect(checkParameters(script, { word: 'abc' })).toEqual({
      word: 'abc',
      count: 2,
      sure: false,
      kind: 'a',
    })
  })
  it('are refused with every fault together', () => {
    const given = { count: 9, sure: 'yes', kind: 'c', more: 1 }
    expect(() => checkParameters(script, given)).toThrow(
      expect.objectContaining({
        code: 'COMMAND_MALFORMED',
        faults: ['more', 'word', 'count', 'sure', 'kind'].map(
          (field) => expect.objectContaining({ field }) as unknown,
        ),
      }),
    )
  })
  it('must match as a whole: no newline, no prefix, no suffix', () => {
    for (const word of ['abc\n', '\nabc', 'ABC', '-x', 'abcdef', '', 'a\0'])
      expect(() => checkParameters(script, { word }), JSON.stringify(word)).toThrow()
    expect(() => checkParameters(script, { word: 'a', count: 1.5 })).toThrow()
    expect(() => checkParameters(script, JSON.parse('{"word":"a","__proto__":1}') as never)).toThrow()
  })
})

describe('an order', () => {
  const clearTemp = shippedScripts().find(({ content }) => content.name === 'clear-temp')
  const request = {
    ...{ job: crypto.randomUUID(), client: 'demo', device: 'd-aaaaaaaaaaaaaaaa', challenge: 'c'.repeat(43) },
    ...{ sequence: 7, nonce: 'n'.repeat(22), script: clearTemp!.envelope, nowMs: 1000, ttlMs: 500 },
    parameters: { mount: '/srv' },
  }
  it('names everything that the device checks, under the online key, beside the script as it was approved', () => {
    const { order, script } = makeOrder(request, ana)
    expect(signersOf(order, [ana])).toHaveLength(1)
    expect(script).toEqual(clearTemp!.envelope)
    const content = CommandOrder.parse(JSON.parse(Buffer.from(order.payload, 'base64').toString()))
    expect(content).toMatchObject({
      ...{ sequence: 7, issuedAtMs: 1000, expiresAtMs: 1500, scriptDigest: clearTemp!.digest },
      parameters: { mount: '/srv' },
    })
  })
  it('is not made with parameters that do not fit', () => {
    const wrong = () => makeOrder({ ...request, parameters: { mount: 'x', other: 1 } }, ana)
    expect(wrong).toThrow(
      expect.objectContaining({
        code: 'COMMAND_MALFORMED',
        faults: [{ field: 'other' }, { field: 'mount' }].map(
          (fault) => expect.objectContaining(fault) as unknown,
        ),
      }),
    )
  })
})
