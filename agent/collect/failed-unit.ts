import { NO_LABELS, type Collector } from './collector.ts'
import { askBus } from './source/dbus.ts'

const ANSWER_MS = 3000

/**
 * How many systemd units are in state failed, asked over the system bus (property NFailedUnits of
 * org.freedesktop.systemd1.Manager). Unavailable where systemd does not run or does not answer.
 */
export const failedUnit: Collector = {
  name: 'failed-unit',
  intervalS: 60,
  metrics: ['service.failed_units_count'],
  create({ reader, log }) {
    let count: number | undefined
    let told: string | undefined
    return {
      async prepare() {
        count = undefined
        if (!reader.exists('/run/systemd/system')) return
        try {
          count = await askBus(
            reader.real('/run/dbus/system_bus_socket'),
            {
              destination: 'org.freedesktop.systemd1',
              path: '/org/freedesktop/systemd1',
              interface: 'org.freedesktop.DBus.Properties',
              member: 'Get',
              args: ['org.freedesktop.systemd1.Manager', 'NFailedUnits'],
            },
            ANSWER_MS,
          )
          told = undefined
        } catch (thrown) {
          const message = thrown instanceof Error ? thrown.message : String(thrown)
          if (told !== message) log.warn('systemd does not answer', { error: message })
          told = message
        }
      },
      collect(sink) {
        sink.set('service.failed_units_count', NO_LABELS, count)
      },
    }
  },
}
