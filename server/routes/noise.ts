import type { Handlers } from '../http/handler.ts'
import type { NOISE_ROUTES } from '../../contract/routes/noise.ts'
import { listSuppressions } from '../noise/suppressions.ts'
import type { Parts } from '../wiring/parts.ts'

type Names = keyof typeof NOISE_ROUTES

/** Routes of noise control: maintenance, silences, business hours, the noise budget and the log. */
export function noiseRoutes(parts: Parts): Pick<Handlers, Names> {
  const { audit, clock, maintenance, noise, records } = parts
  return {
    maintenance: async ({ query }) => ({
      windows: await maintenance.list(query.client, clock()),
    }),
    async addMaintenance({ body, whoName }) {
      const window = await maintenance.create({ ...body, createdBy: whoName })
      await audit.append({
        who: whoName,
        action: 'maintenance.open',
        client: body.client,
        subject: body.device ?? body.client,
        detail: body,
      })
      await noise.changed(body.client)
      return window
    },
    silences: async ({ query }) => ({
      silences: await noise.silences.list({ client: query.client, all: query.all === 'true' }, clock()),
    }),
    async addSilence({ body, whoName }) {
      const silence = await noise.silences.create({ ...body, createdBy: whoName }, clock())
      const { id, client } = silence
      await audit.append({ who: whoName, action: 'silence.add', client, subject: id, detail: body })
      await noise.changed(client)
      return silence
    },
    async changeSilence({ params, body, whoName }) {
      const silence = await noise.silences.change(params.id, body, clock())
      const { id, client } = silence
      await audit.append({ who: whoName, action: 'silence.change', client, subject: id, detail: body })
      await noise.changed(client)
      return silence
    },
    async endSilence({ params, whoName }) {
      const silence = await noise.silences.end(params.id, clock())
      await audit.append({
        who: whoName,
        action: 'silence.end',
        client: silence.client,
        subject: silence.id,
      })
      await noise.changed(silence.client)
      return silence
    },
    async endMaintenance({ params, whoName }) {
      const window = await maintenance.end(params.id, clock())
      const { id, client } = window
      await audit.append({ who: whoName, action: 'maintenance.end', client, subject: id })
      await noise.changed(client)
      return window
    },
    maintenanceSchedules: async ({ query }) => ({
      schedules: await maintenance.schedules(query.client, clock()),
    }),
    async addMaintenanceSchedule({ body, whoName }) {
      const schedule = await maintenance.createSchedule({ ...body, createdBy: whoName }, clock())
      const { id, client } = schedule
      await audit.append({
        ...{ who: whoName, action: 'maintenance.schedule', client, subject: id, detail: body },
      })
      await noise.changed(client)
      return schedule
    },
    async endMaintenanceSchedule({ params, whoName }) {
      const schedule = await maintenance.endSchedule(params.id, clock())
      const { id, client } = schedule
      await audit.append({ who: whoName, action: 'maintenance.unschedule', client, subject: id })
      await noise.changed(client)
      return schedule
    },
    hours: ({ params }) => noise.hours.get(params.client, clock()),
    async setHours({ params, body, whoName }) {
      const hours = await noise.hours.set(params.client, body, whoName, clock())
      const { client } = params
      await audit.append({ who: whoName, action: 'hours.set', client, subject: client, detail: body })
      await noise.changed(client)
      return hours
    },
    noise: async ({ query }) => ({ findings: await noise.findings(query.client) }),
    suppressions: async ({ query }) => ({
      suppressions: await listSuppressions(records, { ...query, active: query.active === 'true' }),
    }),
  }
}
