import { NO_LABELS, type Collector } from './collector.ts'

/** Pressure stall information (kernel documentation, accounting/psi): the averages over 60 s of /proc/pressure. */
export const pressure: Collector = {
  name: 'pressure',
  metrics: [
    'pressure.cpu_some_percent',
    'pressure.memory_some_percent',
    'pressure.memory_full_percent',
    'pressure.io_some_percent',
    'pressure.io_full_percent',
  ],
  create: ({ reader }) => ({
    collect(sink) {
      const cpu = reader.text('/proc/pressure/cpu')
      const memory = reader.text('/proc/pressure/memory')
      const io = reader.text('/proc/pressure/io')
      sink.set('pressure.cpu_some_percent', NO_LABELS, average60(cpu, 'some'))
      sink.set('pressure.memory_some_percent', NO_LABELS, average60(memory, 'some'))
      sink.set('pressure.memory_full_percent', NO_LABELS, average60(memory, 'full'))
      sink.set('pressure.io_some_percent', NO_LABELS, average60(io, 'some'))
      sink.set('pressure.io_full_percent', NO_LABELS, average60(io, 'full'))
    },
  }),
}

/** avg60 of the line `some` or `full`; undefined when it is not there. */
function average60(text: string | undefined, kind: 'some' | 'full'): number | undefined {
  const line = text?.split('\n').find((each) => each.startsWith(`${kind} `))
  const at = line?.indexOf('avg60=') ?? -1
  return line === undefined || at < 0 ? undefined : Number.parseFloat(line.slice(at + 6))
}
