import { collectDefaultMetrics, Gauge, Registry, type OpenMetricsContentType } from 'prom-client'

/** The registry of the server's own metrics, in OpenMetrics 1.0 text, with the process's own (memory, CPU, event loop). */
export function createRegistry(version: string): Registry {
  const open = new Registry<OpenMetricsContentType>()
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  // prom-client's types bind the content type although every metric takes either kind of registry.
  const registry = open as unknown as Registry
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'vigia_build',
    help: 'Version of the server',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1)
  return registry
}
