import { describe, expect, it } from 'vitest'
import { parseDatabaseUrl } from '../../../server/records/external.ts'

describe('DATABASE_URL', () => {
  it('says where PostgreSQL is and as whom', () => {
    const plain = {
      host: 'db.example.com',
      port: 5432,
      user: 'vigia',
      password: '',
      database: 'records',
      ssl: false,
    }
    expect(parseDatabaseUrl('postgres://vigia@db.example.com/records')).toEqual(plain)
    expect(parseDatabaseUrl('postgresql://v%40x:p%2Fw@[::1]:6000/r?sslmode=verify-full')).toEqual({
      ...{ host: '::1', port: 6000, user: 'v@x', password: 'p/w', database: 'r' },
      ssl: { rejectUnauthorized: true },
    })
    expect(parseDatabaseUrl('postgres://v:p@localhost/r?host=/run/pg')).toMatchObject({
      host: '/run/pg',
      database: 'r',
    })
    expect(parseDatabaseUrl('postgres://v:p@h/r?sslmode=require').ssl).toEqual({ rejectUnauthorized: false })
  })

  it('says what is wrong, never with the password', () => {
    const wrong = [
      'mysql://v:geheim@h/r',
      'geheim',
      'postgres://v:geheim@h',
      'postgres://:geheim@h/r',
      'postgres://v:geheim@h/r?sslmode=prefer',
      'postgres://v:geheim%zz@h/r',
      'postgres://v:geheim@h:99999/r',
    ]
    for (const url of wrong) {
      const error = thrownBy(() => parseDatabaseUrl(url))
      expect(error).toMatchObject({ code: 'CONFIG_INVALID', faults: [{ field: 'DATABASE_URL' }] })
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('geheim')
    }
  })
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (thrown) {
    return thrown
  }
}
