import { mkdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { backup, parseBackup } from '../../../agent/collect/backup.ts'
import { machine, START_MS, watch } from './machine.ts'

describe('backup', () => {
  it('takes the newest file of each declared backup', async () => {
    const vm = machine()
    const declare = (file: string, value: object): void =>
      vm.write(`agent/backups.d/${file}`, JSON.stringify(value))
    const aged = (path: string, ageH: number): void => {
      vm.write(path, 'x')
      utimesSync(join(vm.root, path), START_MS / 1000, START_MS / 1000 - ageH * 3600)
    }
    declare('a.json', { name: 'files', path: '/backup/files' })
    declare('b.json', { name: 'database', markerFile: '/backup/db.done', maxAgeHours: 12 })
    declare('c.json', { name: 'never', path: '/backup/empty' })
    declare('d.json', { name: 'unmounted', path: '/mnt/away/backup' })
    declare('e.json', { name: 'not yet', markerFile: '/backup/none.done' })
    declare('f.json', { name: '', path: 'here', maxAgeHours: 0 })
    vm.write('agent/backups.d/README.txt', 'not a declaration')
    aged('backup/files/old.tar', 100)
    aged('backup/files/new.tar', 24)
    aged('backup/db.done', 18)
    mkdirSync(join(vm.root, 'backup/empty'))
    const watched = watch(vm, [backup], { dataDir: join(vm.root, 'agent') })
    const read = await watched.run()
    const of = (name: string): (number | null | undefined)[] =>
      ['exists', 'age_seconds', 'age_ratio'].map((metric) => read[`backup.${metric}{backup="${name}"}`])
    expect(of('files')).toEqual([1, 24 * 3600, 0.5])
    expect(of('database')).toEqual([1, 18 * 3600, 1.5])
    expect(of('never')).toEqual([0, null, null])
    expect(of('unmounted')).toEqual([null, null, null])
    expect(of('not yet')).toEqual([0, null, null])
    expect(Object.keys(read)).toHaveLength(15)
    await watched.run(900)
    expect(watched.warnings).toEqual([
      {
        message: 'a declaration is left out',
        fields: expect.objectContaining({
          error: expect.stringMatching(/^name: .*path or markerFile: .*maxAgeHours: /) as string,
        }) as object,
      },
    ])
  })

  it('reports nothing where nothing is declared', async () => {
    expect(await watch(machine(), [backup], { dataDir: '/does/not/exist' }).run()).toEqual({})
  })

  it('wants one place', () => {
    expect(() => parseBackup({ name: 'x', path: '/a', markerFile: '/b' })).toThrow('not both')
    expect(parseBackup({ name: 'x', path: 'D:\\backup' })).toEqual({
      name: 'x',
      path: 'D:\\backup',
      maxAgeHours: 48,
    })
  })
})
