import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRuleBook, type Applied, type RuleBook } from '../../../server/rules/rule-book.ts'

const rule = (name: string, above = 90): string => `
  - name: ${name}
    title: { en: A, es: A }
    owner: o
    severity: info
    signal: { metric: cpu.used_percent }
    threshold: { above: ${above} }
    runbook: r
    noRemedy: n`
const pack = (name: string, ...rules: string[]): string =>
  `pack: ${name}\nversion: 1\nrules:${rules.join('')}\n`

let folder = ''
let book: RuleBook
const now = (write: () => Applied): Promise<Applied> => Promise.resolve().then(write)

function open(): RuleBook {
  return openRuleBook({
    places: {
      shipped: [join(folder, 'shipped.yaml')],
      configured: [join(folder, 'configured.yaml')],
      directory: join(folder, 'rules'),
    },
    appliedFile: join(folder, 'applied.json'),
    clock: () => 1000,
    log: pino({ level: 'silent' }),
  })
}
const names = (): string[] => book.current().rules.map(({ spec }) => spec.name)
const put = (name: string, text: string): void => writeFileSync(join(folder, 'rules', `${name}.yaml`), text)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-book-'))
  mkdirSync(join(folder, 'rules'))
  writeFileSync(join(folder, 'shipped.yaml'), pack('shipped', rule('s-one'), rule('s-two')))
  writeFileSync(join(folder, 'configured.yaml'), pack('configured', rule('c-one')))
  book = open()
  book.keep()
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the book of rules', () => {
  it('takes a pack of the installation in place of one that ships under the same name', async () => {
    const { changes } = await book.apply(
      { packs: [{ name: 'shipped', text: pack('shipped', rule('s-one', 80)) }], remove: [] },
      now,
    )
    expect(changes.map((one) => `${one.rule} ${one.change}`)).toEqual(['s-one changed', 's-two removed'])
    expect(book.current().packs.find(({ name }) => name === 'shipped')).toMatchObject({
      origin: 'data',
      replaces: 'shipped',
    })
    await book.apply({ packs: [], remove: ['shipped'] }, now)
    expect(names()).toEqual(['s-one', 's-two', 'c-one'])
    expect(book.current().packs.find(({ name }) => name === 'shipped')).toMatchObject({
      origin: 'shipped',
      replaces: null,
    })
  })

  it('applies nothing of a set that has a fault anywhere, and tells each with its place', () => {
    put('good', pack('good', rule('g-one')))
    put('bad', pack('bad', rule('s-one'), rule('b-two').replace('cpu.', 'cpux.')))
    const before = book.current()
    let heard = 0
    book.onFaults(() => heard++)
    expect(() => book.reload()).toThrow(expect.objectContaining({ code: 'RULES_INVALID' }))
    expect(book.current()).toBe(before)
    expect(
      book.faults()?.faults.map(({ file, line, field }) => [file?.endsWith('bad.yaml'), line, field]),
    ).toEqual([
      [true, 4, 'rules[0].name'],
      [true, 16, 'rules[1].signal.metric'],
    ])
    rmSync(join(folder, 'rules', 'bad.yaml'))
    expect(book.reload().changes).toMatchObject([{ rule: 'g-one', change: 'added' }])
    expect(book.faults()).toBeNull()
    expect(heard).toBe(2)
  })

  it('writes nothing when what is applied cannot be put on record, is refused, or has a fault', async () => {
    const edit = { packs: [{ name: 'new', text: pack('new', rule('n-one')) }], remove: [] }
    await expect(book.apply(edit, () => Promise.reject(new Error('no records')))).rejects.toThrow(
      'no records',
    )
    await expect(
      book.apply(
        { packs: [...edit.packs, { name: 'worse', text: 'pack: worse\nrules: [' }], remove: [] },
        now,
      ),
    ).rejects.toMatchObject({ code: 'RULES_INVALID' })
    await expect(
      book.apply({ packs: [{ name: 'other', text: pack('new') }], remove: [] }, now),
    ).rejects.toMatchObject({
      faults: [{ field: 'pack', message: 'the text names the pack new, not other' }],
    })
    await expect(book.apply({ packs: [], remove: ['shipped'] }, now)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(() => readFileSync(join(folder, 'rules', 'new.yaml'))).toThrow()
    expect(names()).toEqual(['s-one', 's-two', 'c-one'])
  })

  it('says what a pack would change without applying it', () => {
    const { changes, faults } = book.check([
      { name: 'shipped', text: pack('shipped', rule('s-one', 80), rule('s-two')) },
    ])
    expect(faults).toEqual([])
    expect(changes).toMatchObject([{ rule: 's-one', change: 'changed' }])
    expect(changes[0]?.from).not.toBe(changes[0]?.to)
    expect(book.check([{ name: 'x', text: pack('x', rule('X')) }]).faults[0]).toMatchObject({
      line: 4,
      field: 'rules[0].name',
    })
    expect(names()).toEqual(['s-one', 's-two', 'c-one'])
  })

  it('counts an override as a change of its rule, and refuses one of a rule that nobody has', () => {
    const text = (name: string): string =>
      `pack: mine\nversion: 1\noverrides:\n  - { rule: ${name}, client: acme, reason: r, set: { severity: critical } }\n`
    expect(book.check([{ name: 'mine', text: text('c-one') }]).changes).toMatchObject([
      { rule: 'c-one', change: 'changed' },
    ])
    expect(book.check([{ name: 'mine', text: text('c-two') }]).faults[0]?.message).toMatch(
      /no rule is named c-two; did you mean/,
    )
  })

  it('starts with the set that was good last, and not at all where there never was one', () => {
    put('own', pack('own', rule('o-one')))
    book.reload()
    put('own', 'pack: own\nversion: [')
    book = open()
    expect(names()).toEqual(['s-one', 's-two', 'c-one', 'o-one'])
    expect(book.faults()?.faults[0]?.file).toMatch(/own\.yaml$/)
    rmSync(join(folder, 'applied.json'))
    expect(open).toThrow(expect.objectContaining({ code: 'RULES_INVALID' }))
  })

  it('refuses two packs of one name from the same place, and a text that stands under another name', () => {
    put('one', pack('twice', rule('t-one')))
    put('two', pack('twice', rule('t-two')))
    expect(() => book.reload()).toThrow(expect.objectContaining({ code: 'RULES_INVALID' }))
    expect(book.faults()?.faults[0]?.message).toMatch(/a pack named twice stands in .*one\.yaml already/)
  })
})
