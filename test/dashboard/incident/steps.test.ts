import { describe, expect, it } from 'vitest'
import { pathOf } from '../../../dashboard/incident/steps.ts'

type Given = Parameters<typeof pathOf>[0]
const path = (given: Given): string =>
  pathOf(given)
    .map(({ name, state }) => `${name}:${state}`)
    .join(' ')

describe('the path of an incident', () => {
  it.each<[string, Given, string]>([
    [
      'detected',
      { state: 'open', remedy: 'clear-temp', ticket: null, resolvedBy: null },
      'detected:now remedy:ahead verified:ahead resolved:ahead',
    ],
    [
      'at work',
      { state: 'remediating', remedy: 'clear-temp', ticket: null, resolvedBy: null },
      'detected:done remedy:now verified:ahead resolved:ahead',
    ],
    [
      'mended',
      { state: 'resolved', remedy: 'clear-temp', ticket: null, resolvedBy: 'remedy' },
      'detected:done remedy:done verified:done resolved:done',
    ],
    [
      'gone by itself',
      { state: 'resolved', remedy: 'clear-temp', ticket: null, resolvedBy: 'itself' },
      'detected:done resolved:done',
    ],
    [
      'with a person',
      { state: 'escalated', remedy: 'clear-temp', ticket: 'x', resolvedBy: null },
      'detected:done remedy:failed escalated:now resolved:ahead',
    ],
    [
      'without a remedy',
      { state: 'escalated', remedy: null, ticket: 'x', resolvedBy: null },
      'detected:done escalated:now resolved:ahead',
    ],
    [
      'done by a person',
      { state: 'resolved', remedy: 'clear-temp', ticket: 'x', resolvedBy: 'person' },
      'detected:done remedy:failed escalated:done resolved:done',
    ],
  ])('%s', (_, given, expected) => {
    expect(path(given)).toBe(expected)
  })
})
