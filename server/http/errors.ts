import type { FastifyError, FastifyInstance } from 'fastify'
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from 'fastify-type-provider-zod'
import { asVigiaError, ERROR_CODES, VigiaError, type Fault } from '../../contract/errors.ts'
import type { ErrorAnswer } from '../../contract/views.ts'

/** Every error leaves as an ErrorAnswer with its code, message and next step; a fault of ours also with an id that stands in the log. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const error = translate(thrown)
    const status = ERROR_CODES[error.code].http
    const internal = status >= 500 && error.retry !== 'transient'
    if (internal) request.log.error({ err: thrown, id: request.id }, 'request failed')
    const answer: ErrorAnswer = {
      code: error.code,
      message: internal && error.code === 'INTERNAL' ? 'Something broke inside Vigía.' : error.message,
      next: error.next,
      faults: error.faults.map((fault) => ({ ...fault })),
      ...(internal ? { id: request.id } : {}),
    }
    return reply.status(status).type('application/json').serializer(JSON.stringify).send(answer)
  })
}

function translate(thrown: FastifyError): VigiaError {
  if (thrown instanceof VigiaError) return thrown
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const faults: Fault[] = thrown.validation.map((issue) => ({
      field: [
        thrown.validationContext ?? '',
        ...issue.instancePath.split('/').filter((part) => part !== ''),
      ].join('.'),
      message: issue.message ?? 'invalid',
    }))
    return new VigiaError(
      'REQUEST_INVALID',
      `The request has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${faults.map((fault) => `${fault.field}: ${fault.message}`).join('; ')}`,
      { faults },
    )
  }
  if (isResponseSerializationError(thrown))
    return new VigiaError('INTERNAL', 'The answer did not fit the contract.', { cause: thrown })
  if (thrown.statusCode === 404) return new VigiaError('NOT_FOUND', thrown.message)
  if (thrown.statusCode !== undefined && thrown.statusCode >= 400 && thrown.statusCode < 500)
    return new VigiaError('REQUEST_INVALID', thrown.message)
  return asVigiaError(thrown)
}
