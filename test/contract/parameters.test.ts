import { describe, expect, it } from 'vitest'
import type { ScriptContent } from '../../contract/command.ts'
import { declarationFaults, resolveParameters } from '../../contract/parameters.ts'

const script = (interpreter: ScriptContent['interpreter']) => ({
  name: 'greet',
  interpreter,
  parameters: {
    who: { type: 'string' as const, pattern: '[\\s\\S]*', maxLength: 200, help: '' },
  },
})
const faultsOf = (interpreter: ScriptContent['interpreter'], who: string): number =>
  resolveParameters(script(interpreter), { who }).faults.length

it('a value that does not fit is told with what the script says of it, and what it is held to', () => {
  const mount = { type: 'string' as const, pattern: '/.*', maxLength: 9, help: 'A mount point' }
  const faultsOf = (help: string) =>
    resolveParameters(
      { name: 'clear', interpreter: 'bash', parameters: { mount: { ...mount, help } } },
      { mount: 'x' },
    ).faults
  expect(faultsOf('A mount point')).toEqual([
    { field: 'mount', message: 'must be "A mount point": it must match /.*' },
  ])
  expect(faultsOf('')).toEqual([{ field: 'mount', message: 'must match /.*' }])
})

describe('a value for a batch file', () => {
  it.each(['Ana', 'Ana María', "it's", 'C:\\Users\\Ana', 'a,b;c=d', '[x] {y} ~ # @ $ * ?', 'árbol €', '-/+'])(
    '%j is taken',
    (value) => {
      expect(faultsOf('batch', value)).toBe(0)
    },
  )

  it.each([
    'a & del x',
    'a|b',
    'a>b',
    '<x',
    '%PATH%',
    '!PATH!',
    'a"b',
    '^',
    'a) & (b',
    ') else (x',
    'a\nb',
    'a\r\nb',
  ])('%j is refused: cmd.exe would evaluate it, and nobody approved that', (value) => {
    expect(faultsOf('batch', value)).toBe(1)
  })

  it('is as free as ever for the others, which read it out of the environment', () => {
    for (const each of ['sh', 'bash', 'python3', 'node', 'powershell'] as const)
      expect(faultsOf(each, 'a & b | "c" %d% !e! (f)')).toBe(0)
  })

  it('cannot be preset or among the choices either', () => {
    const preset = declarationFaults({
      interpreter: 'batch',
      parameters: {
        who: { type: 'string', pattern: '.*', maxLength: 9, default: 'a & b', help: '' },
        which: { type: 'choice', choices: ['ok', 'a|b'], help: '' },
      },
    })
    expect(preset.map(({ field }) => field)).toEqual(['parameters.who.default', 'parameters.which.choices'])
  })
})
