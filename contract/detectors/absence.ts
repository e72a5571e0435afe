import * as z from 'zod'
import { DurationText } from '../duration.ts'

/** No sample for this long. With `metric: device.report` it is the device that is silent. */
export const AbsenceParameters = z.strictObject({ after: DurationText })
