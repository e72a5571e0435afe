import { expect, it } from 'vitest'
import { ERROR_CODES, type ErrorCode } from '../../../../contract/errors.ts'
import { SPANISH_ERRORS, tellError } from '../../../../dashboard/language/server/errors.ts'

/** What an order, a plan or a session is refused with before anything is sent. */
const REFUSALS: readonly ErrorCode[] = [
  ...(['REQUEST_INVALID', 'NOT_FOUND', 'CONFLICT', 'FORBIDDEN', 'SECOND_FACTOR_REQUIRED'] as const),
  ...(['COMMAND_MALFORMED', 'COMMAND_UNAPPROVED', 'COMMAND_DISABLED', 'APPROVAL_EXPIRED'] as const),
  ...(['SCRIPT_UNSUPPORTED', 'SCRIPT_REVOKED', 'SCRIPT_NO_DRY_RUN', 'SECRET_MISSING'] as const),
  ...(['DEVICE_OFFLINE', 'DEVICE_REVOKED', 'RUN_TARGET_EMPTY'] as const),
]

it.each(REFUSALS)('%s is told in Spanish too, with the way to mend it', (code) => {
  const told = tellError({ code, message: 'tidy: days must be a whole number' }, 'es')
  expect(told).toEqual({ ...SPANISH_ERRORS[code], detail: 'tidy: days must be a whole number' })
  expect(told.next).not.toBe(ERROR_CODES[code].next)
})
