import * as z from 'zod'
import { DurationText } from '../duration.ts'

/**
 * Days that remain until something ends (a certificate, a warranty, a licence): fires when `within` is left. With
 * `lateBy` it fires earlier for what used to be renewed by itself: when it is that much past the point at which it
 * was renewed the last time.
 */
export const ExpiryParameters = z.strictObject({ within: DurationText, lateBy: DurationText.optional() })
