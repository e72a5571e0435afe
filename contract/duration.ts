import * as z from 'zod'

/** A span of time in rules and options: `90s`, `10m`, `4h`, `7d`. Parsed by `rules/duration.ts` to milliseconds. */
export const DurationText = z.string().regex(/^\d{1,6}(ms|s|m|h|d)$/, 'a number and ms, s, m, h or d')
