import { NO_LABELS, type Collector } from './collector.ts'

const CONTROLLERS = '/sys/devices/system/edac/mc'

/**
 * Memory errors that the memory controllers count since the start (kernel, Documentation/admin-guide/ras.rst:
 * `ue_count`, `ce_count` of each mcN). Unavailable where no controller reports.
 */
export const ecc: Collector = {
  name: 'ecc',
  intervalS: 300,
  metrics: ['memory.ecc_uncorrectable_count', 'memory.ecc_corrected_count'],
  create: ({ reader }) => ({
    collect(sink) {
      const controllers = (reader.list(CONTROLLERS) ?? []).filter((name) => /^mc\d+$/.test(name))
      const sum = (file: string): number | undefined =>
        controllers.reduce<number | undefined>((total, name) => {
          const count = reader.number(`${CONTROLLERS}/${name}/${file}`)
          return count === undefined ? total : (total ?? 0) + count
        }, undefined)
      sink.set('memory.ecc_uncorrectable_count', NO_LABELS, sum('ue_count'))
      sink.set('memory.ecc_corrected_count', NO_LABELS, sum('ce_count'))
    },
  }),
}
