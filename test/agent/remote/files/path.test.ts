import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { partsOf, pathOf, placeIn, rootsHere } from '../../../../agent/remote/files/path.ts'

describe('paths of a files session', () => {
  it.each([
    ['/srv', '/srv', []],
    ['/srv', '/srv/a/b', ['a', 'b']],
    ['/srv/', '/srv//a///b/', ['a', 'b']],
    ['/', '/etc', ['etc']],
    ['/srv', '/srv/..x/...', ['..x', '...']],
    ['/srv', '/srv/C:\\a', ['C:\\a']],
    ['/srv', "/srv/$(id); rm '-rf'", ["$(id); rm '-rf'"]],
  ])('in %s take %s', (root, path, parts) => {
    expect(placeIn([root], path, 'linux').parts).toEqual(parts)
  })

  it.each([
    '/etc/passwd',
    '/srvx',
    '/srv/../etc',
    '/srv/a/./b',
    '/srv/a/..',
    'srv/a',
    '../srv',
    '',
    '/srv/a\0/b',
    'file:///srv/a',
    'C:\\srv',
    '~/a',
  ])('outside /srv is %j', (path) => {
    expect(() => placeIn(['/srv'], path, 'linux')).toThrow(expect.objectContaining({ code: 'FILE_OUTSIDE' }))
  })

  it.each([
    'C:\\Data\\..\\x',
    'C:\\Data\\a.txt:stream',
    'C:\\Data\\CON',
    'C:\\Data\\aux.txt',
    'C:\\Data\\COM1.log',
    'C:\\Data\\COM¹',
    'C:\\Data\\lpt³.log',
    'C:\\Data\\NUL .txt',
    'C:\\Data\\con  ',
    'C:\\Data\\clock$',
    'C:\\Data\\dots.',
    'C:\\Data\\space ',
    'C:\\Data\\a?b',
    '\\\\server\\share\\a',
    '\\\\?\\C:\\Data\\a',
    '\\\\.\\PhysicalDrive0',
    'C:Data\\a',
    '/Data/a',
    'D:\\Data\\a',
  ])('of Windows outside C:\\Data is %j', (path) => {
    expect(() => placeIn(['C:\\Data'], path, 'win32')).toThrow(
      expect.objectContaining({ code: 'FILE_OUTSIDE' }),
    )
  })

  it('of Windows know their root in any case and with both strokes', () => {
    expect(placeIn(['C:\\Data'], 'c:/DATA/Sub\\x', 'win32').parts).toEqual(['Sub', 'x'])
    expect(pathOf(placeIn(['c:/data'], 'C:\\data\\x', 'win32'), 'win32')).toBe('C:\\data\\x')
  })

  it('of Windows that only begin as a device does are names', () => {
    for (const name of ['console', 'nullable.txt', 'COM1x', 'lpt', 'aux-2', '¹COM1'])
      expect(placeIn(['C:\\Data'], `C:\\Data\\${name}`, 'win32').parts).toEqual([name])
  })

  it('of a policy for all systems are those of this one, and / is every drive', () => {
    const drives = (): string[] => ['C', 'E']
    const all = ['/srv', 'c:/Data', 'D:\\', '\\\\server\\share', 'C:x', 'x', '\\x']
    expect(rootsHere(all, drives, 'win32')).toEqual(['c:/Data', 'D:\\'])
    expect(rootsHere(all, drives, 'linux')).toEqual(['/srv'])
    expect(rootsHere(['/'], drives, 'win32')).toEqual(['C:\\', 'E:\\'])
    expect(rootsHere(['/', 'C:\\'], drives, 'win32')).toEqual(['C:\\', 'E:\\'])
    expect(rootsHere(['/'], drives, 'linux')).toEqual(['/'])
    expect(rootsHere(['/srv'], drives, 'win32')).toEqual([])
  })

  it('never come out of their root, whatever they are', () => {
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', 'srv', '/', '\\', '..\\', '%2e%2e', '..;', '\0', 'C:', '\u2025'),
      fc.string({ maxLength: 8 }),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.constantFrom('linux', 'win32', 'darwin'),
        (pieces, platform) => {
          const root = platform === 'win32' ? 'C:\\srv' : '/srv'
          for (const path of [pieces.join('/'), `${root}/${pieces.join('/')}`]) {
            try {
              const place = placeIn([root], path, platform)
              expect(place.parts.some((part) => part === '..' || part === '.' || part.includes('/'))).toBe(
                false,
              )
              const plain = pathOf(place, platform)
              expect(
                plain === root || plain.startsWith(platform === 'win32' ? `${root}\\` : `${root}/`),
              ).toBe(true)
              expect(partsOf(plain, platform).parts.slice(1)).toEqual(place.parts)
            } catch (thrown) {
              expect(thrown).toMatchObject({ code: 'FILE_OUTSIDE' })
            }
          }
        },
      ),
      { numRuns: 3000 },
    )
  })
})
