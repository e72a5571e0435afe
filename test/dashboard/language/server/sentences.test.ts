import { describe, expect, it } from 'vitest'
import { formatExact } from '../../../../dashboard/language/format.ts'
import { SPANISH_SENTENCES, tellServer } from '../../../../dashboard/language/server/sentences.ts'
import { readSources } from '../../../support/sources.ts'

/** The longer runs of plain words in a pattern, the longest first. */
function plainRuns(pattern: RegExp): string[] {
  return pattern.source
    .replaceAll(/^\^|\$$|\(\?:[^)]*\)\??|\([^)]*\)|\.\+\??|\\S\+|\\d\+/g, '\n')
    .replaceAll(/\\(.)/g, '$1')
    .split('\n')
    .toSorted((a, b) => b.length - a.length)
    .filter((run, index) => index === 0 || run.length > 14)
}

describe('sentences of the server in Spanish', () => {
  it('are sentences that the rules still say', () => {
    const said = readSources(['rules', 'server'])
      .map((source) => source.text)
      .join('\n')
    expect(said.length).toBeGreaterThan(100_000)
    const gone = SPANISH_SENTENCES.filter(
      ([pattern]) => !plainRuns(pattern).some((words) => said.includes(words)),
    ).map(([pattern]) => pattern.source)
    expect(gone).toEqual([])
  })

  it('keep every figure that their place has', () => {
    for (const [pattern, spanish] of SPANISH_SENTENCES) {
      const groups = new RegExp(`${pattern.source}|`).exec('')!.length - 1
      for (const [, index] of spanish.matchAll(/\$(\d)/g)) expect(Number(index)).toBeLessThanOrEqual(groups)
    }
  })

  it('say what keeps a finding quiet, and until when in the words of the reader', () => {
    const finding = 'Evaluated on 1 of 1 series, the newest sample 12 s ago.'
    const held = 'What it finds is suppressed: outside business hours (UTC)'
    const until = Date.parse('2026-11-30T08:00:00Z')
    expect(tellServer(`${finding} ${held}, until 2026-11-30T08:00:00.000Z.`, 'en')).toEqual({
      words: `${finding} ${held}, until ${formatExact(until, 'en')}.`,
      lang: 'en',
    })
    expect(tellServer(`${finding} ${held}, until 2026-11-30T08:00:00.000Z.`, 'es')).toEqual({
      words:
        'Se evalúa en 1 de 1 series; la última muestra es de hace 12 s. ' +
        `Lo que encuentra se suprime: fuera del horario comercial (UTC), hasta ${formatExact(until, 'es')}.`,
      lang: 'es',
    })
    expect(tellServer(`${finding} ${held}.`, 'en').words).toBe(`${finding} ${held}.`)
  })

  it('are told in Spanish where they are known, in English as such elsewhere', () => {
    expect(tellServer('Evaluated on 2 of 2 series, the newest sample 12 s ago.', 'es')).toEqual({
      words: 'Se evalúa en 2 de 2 series; la última muestra es de hace 12 s.',
      lang: 'es',
    })
    expect(tellServer('Still learning: 3.2 of 14 days.', 'es').words).toBe('Aún aprende: 3.2 de 14 días.')
    expect(tellServer('Nobody knows this.', 'es')).toEqual({ words: 'Nobody knows this.', lang: 'en' })
    expect(tellServer('The newest report has no value of its series; none ever had one.', 'es')).toEqual({
      words: 'El último informe no trae valor, y nunca lo ha habido.',
      lang: 'es',
    })
    expect(tellServer('high but still', 'en')).toEqual({ words: 'high but still', lang: 'en' })
  })
})
