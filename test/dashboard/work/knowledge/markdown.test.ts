import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseInline, parseMarkdown } from '../../../../dashboard/work/knowledge/markdown.ts'

describe('markdown of articles', () => {
  it('reads headings, paragraphs, lists, code and quotes', () => {
    const source = [
      ...['# Title', '', 'One line', 'and the next.', '', '1. first', '2. **second** thing', '   goes on'],
      ...['', '- a', '- b', '```sh', 'df -h', '# no heading', '```', '> be', '> careful'],
    ].join('\n')
    expect(parseMarkdown(source)).toEqual([
      { kind: 'heading', level: 2, line: [{ kind: 'text', text: 'Title' }] },
      { kind: 'paragraph', line: [{ kind: 'text', text: 'One line and the next.' }] },
      {
        kind: 'list',
        ordered: true,
        items: [
          [{ kind: 'text', text: 'first' }],
          [
            { kind: 'strong', text: 'second' },
            { kind: 'text', text: ' thing goes on' },
          ],
        ],
      },
      { kind: 'list', ordered: false, items: [[{ kind: 'text', text: 'a' }], [{ kind: 'text', text: 'b' }]] },
      { kind: 'code', text: 'df -h\n# no heading' },
      { kind: 'quote', line: [{ kind: 'text', text: 'be careful' }] },
    ])
  })

  it('leaves HTML and links to anything but the web as the text that they are', () => {
    expect(parseInline('<img src=x onerror=alert(1)>')).toEqual([
      { kind: 'text', text: '<img src=x onerror=alert(1)>' },
    ])
    expect(parseInline('[x](javascript:alert(1))')[0]).toMatchObject({ kind: 'text' })
    expect(parseInline('see [docs](https://example.org/a)')).toEqual([
      { kind: 'text', text: 'see ' },
      { kind: 'link', text: 'docs', href: 'https://example.org/a' },
    ])
  })

  it('comes to an end with any text, and every link goes to the web', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            '#',
            '- ',
            '1. ',
            '```',
            '>',
            '\n',
            '`',
            '**',
            '*',
            '[a](',
            'https://x',
            ')',
            'word ',
            '  ',
          ),
        ),
        (parts) => {
          const blocks = parseMarkdown(parts.join(''))
          const links = JSON.stringify(blocks).match(/"href":"[^"]*"/g) ?? []
          for (const link of links) expect(link).toMatch(/^"href":"https?:/)
        },
      ),
    )
  })

  it('takes no longer for a text that is made to hold the page', () => {
    const from = performance.now()
    for (const text of ['['.repeat(200_000), `# a${' '.repeat(200_000)}b`, `# a${'#'.repeat(200_000)}b`])
      parseMarkdown(text)
    expect(performance.now() - from).toBeLessThan(2000)
    expect(parseMarkdown('## Title ##')).toEqual(parseMarkdown('## Title'))
  })
})
