import type { DEVICE_REPORT_METRIC } from '../../contract/rules.ts'

/** The metric of a device's own silence; its type holds it to the contract without its schemas in the bundle. */
export const DEVICE_REPORT: typeof DEVICE_REPORT_METRIC = 'device.report'
