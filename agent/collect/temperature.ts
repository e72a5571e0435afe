import type { Collector, Labels } from './collector.ts'
import type { Reader } from './source/read.ts'

type Sensor = { labels: Labels; path: string }

/** Sensors appear and go rarely: they are looked for again after this many cycles. */
const LOOK_AGAIN_CYCLES = 10

/** Temperatures of /sys/class/hwmon and /sys/class/thermal, which are written in thousandths of a degree. */
export const temperature: Collector = {
  name: 'temperature',
  intervalS: 60,
  metrics: ['temperature.celsius'],
  create({ reader }) {
    let sensors: Sensor[] = []
    let cycle = 0
    return {
      collect(sink) {
        if (cycle++ % LOOK_AGAIN_CYCLES === 0) sensors = findSensors(reader)
        for (const { labels, path } of sensors) {
          const value = reader.number(path)
          sink.set('temperature.celsius', labels, value === undefined ? undefined : value / 1000)
        }
      },
    }
  },
}

/**
 * Named `CHIP LABEL` (hwmon) or by the zone's type. hwmon numbers may change from start to start, so chips are taken
 * in the order of the device that they belong to; a name that comes again gets #2, #3.
 */
function findSensors(reader: Reader): Sensor[] {
  const named: { name: string; path: string }[] = []
  const chips = (reader.list('/sys/class/hwmon') ?? []).map((chip) => ({
    chip: `/sys/class/hwmon/${chip}`,
    device: reader.link(`/sys/class/hwmon/${chip}/device`) ?? reader.link(`/sys/class/hwmon/${chip}`) ?? chip,
  }))
  for (const { chip } of chips.sort((a, b) => (a.device < b.device ? -1 : 1))) {
    const name = reader.text(`${chip}/name`, 128)?.trim() ?? 'unnamed'
    for (const file of reader.list(chip) ?? []) {
      const input = /^(temp\d+)_input$/.exec(file)?.[1]
      if (input === undefined) continue
      const label = reader.text(`${chip}/${input}_label`, 128)?.trim() ?? input
      named.push({ name: `${name} ${label}`, path: `${chip}/${file}` })
    }
  }
  for (const zone of reader.list('/sys/class/thermal') ?? []) {
    if (!zone.startsWith('thermal_zone')) continue
    const folder = `/sys/class/thermal/${zone}`
    named.push({ name: reader.text(`${folder}/type`, 128)?.trim() ?? zone, path: `${folder}/temp` })
  }
  const times = new Map<string, number>()
  return named.map(({ name, path }) => {
    const time = (times.get(name) ?? 0) + 1
    times.set(name, time)
    return { labels: { sensor: time === 1 ? name : `${name} #${time}` }, path }
  })
}
