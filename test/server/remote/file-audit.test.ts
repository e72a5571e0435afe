import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createFileAudit, type FileDeed } from '../../../server/remote/file-audit.ts'
import { TO_DEVICE, TO_TECHNICIAN } from '../../../contract/remote/session.ts'
import { packHead, type FileRequest, type FileResponse } from '../../../contract/remote/files.ts'

const SHA = 'a'.repeat(64)

function follow(): {
  ask: (head: FileRequest, bytes?: number) => FileDeed[]
  answer: (head: FileResponse, bytes?: number) => FileDeed[]
  end: () => FileDeed[]
  floods: () => number
} {
  let floods = 0
  const audit = createFileAudit(() => (floods += 1))
  return {
    floods: () => floods,
    ask: (head, bytes = 0) => audit.frame(TO_DEVICE, 'request', packHead(head, new Uint8Array(bytes))),
    answer: (head, bytes = 0) =>
      audit.frame(TO_TECHNICIAN, 'response', packHead(head, new Uint8Array(bytes))),
    end: () => audit.end(),
  }
}

it('notes a file that was read, with bytes and checksum, once it is whole', () => {
  const { ask, answer } = follow()
  const chunk = { is: 'chunk', size: 30, changedAtMs: 1 } as const
  ask({ do: 'read', id: 1, path: '/a', offset: 0 })
  ask({ do: 'read', id: 2, path: '/a', offset: 20 })
  expect(answer({ ...chunk, id: 1, offset: 0, sha256: null, end: false }, 20)).toEqual([])
  expect(answer({ ...chunk, id: 2, offset: 20, sha256: SHA, end: true }, 10)).toEqual([
    { action: 'file.read', detail: { path: '/a', from: 0, bytes: 30, size: 30, sha256: SHA, whole: true } },
  ])
})

it('is not led to overlook something by an id that is used twice, or by more requests than it follows', () => {
  const { ask, answer, floods } = follow()
  ask({ do: 'remove', id: 1, path: '/a' })
  ask({ do: 'roots', id: 1 })
  expect(answer({ is: 'done', id: 1 })).toEqual([{ action: 'file.remove', detail: { path: '/a' } }])
  expect(answer({ is: 'roots', id: 1, roots: ['/'], control: true })).toEqual([])
  for (let id = 2; id < 258; id++) ask({ do: 'roots', id })
  expect(floods()).toBe(0)
  ask({ do: 'remove', id: 258, path: '/b' })
  expect(floods()).toBe(1)
})

it('notes at the end what was asked and may have been done, though no answer came any more', () => {
  const { ask, end } = follow()
  ask({ do: 'remove', id: 1, path: '/a' })
  ask({ do: 'rename', id: 2, path: '/b', to: '/c' })
  ask({ do: 'list', id: 3, path: '/' })
  expect(end()).toEqual([
    { action: 'file.remove', detail: { path: '/a', answered: false } },
    { action: 'file.rename', detail: { path: '/b', to: '/c', answered: false } },
  ])
  expect(end()).toEqual([])
})

it('notes what was read of a file when the session ends before its end, and that the rest came later', () => {
  const first = follow()
  const chunk = { is: 'chunk', size: 30, changedAtMs: 1 } as const
  first.ask({ do: 'read', id: 1, path: '/a', offset: 0 })
  first.answer({ ...chunk, id: 1, offset: 0, sha256: null, end: false }, 20)
  expect(first.end()).toEqual([
    { action: 'file.read', detail: { path: '/a', from: 0, bytes: 20, size: 30, sha256: null, whole: false } },
  ])
  const second = follow()
  second.ask({ do: 'read', id: 1, path: '/a', offset: 20 })
  expect(second.answer({ ...chunk, id: 1, offset: 20, sha256: SHA, end: true }, 10)).toEqual([
    { action: 'file.read', detail: { path: '/a', from: 20, bytes: 10, size: 30, sha256: SHA, whole: false } },
  ])
})

it('notes an upload when the device says that it is whole, and half of one at the end', () => {
  const { ask, answer, end } = follow()
  for (const [id, upload] of [
    [1, '1'],
    [2, '2'],
  ] as const) {
    ask({ do: 'begin', id, path: `/up${upload}`, size: 8, sha256: SHA, replace: true })
    answer({ is: 'begun', id, upload, offset: 3 })
  }
  ask({ do: 'write', id: 3, upload: '1', offset: 3 }, 5)
  expect(answer({ is: 'done', id: 3 })).toEqual([])
  ask({ do: 'end', id: 4, upload: '1' })
  expect(answer({ is: 'done', id: 4 })).toEqual([
    {
      action: 'file.write',
      detail: { path: '/up1', size: 8, sha256: SHA, from: 3, bytes: 5, replace: true, whole: true },
    },
  ])
  ask({ do: 'write', id: 5, upload: '2', offset: 3 }, 2)
  expect(end()).toEqual([
    { action: 'file.write', detail: { path: '/up2', size: 8, sha256: SHA, from: 3, bytes: 2, whole: false } },
  ])
})

it('notes folders, names, removals, lists and what the device refused', () => {
  const { ask, answer } = follow()
  ask({ do: 'make-folder', id: 1, path: '/d' })
  ask({ do: 'rename', id: 2, path: '/d', to: '/e' })
  ask({ do: 'remove', id: 3, path: '/e' })
  ask({ do: 'list', id: 4, path: '/' })
  ask({ do: 'read', id: 5, path: '/../etc/shadow', offset: 0 })
  expect([1, 2, 3].flatMap((id) => answer({ is: 'done', id }))).toEqual([
    { action: 'file.make-folder', detail: { path: '/d' } },
    { action: 'file.rename', detail: { path: '/d', to: '/e' } },
    { action: 'file.remove', detail: { path: '/e' } },
  ])
  const list = { is: 'list' as const, id: 4, path: '/', entries: [], truncated: false }
  expect(answer({ ...list, more: true })).toEqual([])
  expect(answer({ ...list, more: false })).toEqual([{ action: 'file.list', detail: { path: '/' } }])
  expect(answer({ is: 'failed', id: 5, code: 'FILE_OUTSIDE', message: '' })).toEqual([
    { action: 'file.refuse', detail: { do: 'read', path: '/../etc/shadow', code: 'FILE_OUTSIDE' } },
  ])
  // Nobody asked for it.
  expect(answer({ is: 'done', id: 3 })).toEqual([])
})

it('never throws and notes nothing, whatever goes by', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 80 }))), (frames) => {
      const audit = createFileAudit(() => undefined)
      for (const [up, bytes] of frames) {
        expect(audit.frame(up ? TO_DEVICE : TO_TECHNICIAN, up ? 'request' : 'response', bytes)).toEqual([])
      }
      expect(audit.end()).toEqual([])
    }),
  )
})
