import type { FLEET_ROUTES } from '../../contract/routes/fleet.ts'
import type { DeviceView } from '../../contract/views.ts'
import type { Severity } from '../../contract/rules.ts'
import { SEVERITIES } from '../../contract/rules.ts'
import type { DeviceRecord, PolicyChange } from '../fleet/devices.ts'
import type { Handlers } from '../http/handler.ts'
import type { Parts } from '../wiring/parts.ts'

/** Routes of the fleet: clients, devices, enrolment, policies and labs. */
export function fleetRoutes(parts: Parts): Pick<Handlers, keyof typeof FLEET_ROUTES> {
  const { audit, broker, clients, devices, documents, enrolment, live, liveState, records, store, trust } =
    parts

  async function pushPolicy(change: PolicyChange): Promise<void> {
    await broker.send(change, { type: 'policy', policy: change.policy })
    live.events.emit({ type: 'device', device: change.device })
  }

  async function view(all: readonly DeviceRecord[]): Promise<DeviceView[]> {
    const open = await records.operator((db) =>
      db.selectFrom('incident').select(['device_id', 'severity']).where('state', '<>', 'resolved').execute(),
    )
    const severities = new Map<string, Severity[]>()
    for (const row of open)
      severities.set(row.device_id, [...(severities.get(row.device_id) ?? []), row.severity])
    return all.map(({ certificateSerial: _serial, lab: _lab, ...record }) => {
      const seen = liveState.of(record.id)
      const mine = severities.get(record.id) ?? []
      return {
        ...record,
        online: seen?.online ?? false,
        lastSeenMs: Math.max(seen?.lastSeenMs ?? 0, record.lastSeenMs ?? 0) || null,
        openIncidents: mine.length,
        worstSeverity: SEVERITIES.findLast((severity) => mine.includes(severity)) ?? null,
        headline: seen?.headline ?? { cpuPercent: null, memoryPercent: null, diskPercent: null },
      }
    })
  }

  async function one(device: string): Promise<DeviceView> {
    const [found] = await view([await devices.get(device)])
    if (found === undefined) throw new RangeError('a device in, a device out')
    return found
  }

  return {
    enrolTrust: async () => ({ trustText: trust.text }),
    async enrol({ body }) {
      const { answer, replacedSerial } = await enrolment.enrol(body)
      if (replacedSerial !== null) broker.disconnect(answer.device, 'enrolled again')
      await parts.deviceChanged(answer.device)
      await audit.append({
        who: body.hostname,
        action: 'device.enrol',
        client: answer.client,
        subject: answer.device,
        detail: { token: body.tokenId, os: body.os },
      })
      live.events.emit({ type: 'device', device: answer.device })
      return answer
    },
    async createEnrolToken({ body, whoName }) {
      const made = await enrolment.createToken({
        client: body.client,
        site: body.site,
        ttlMs: body.ttlMinutes * 60_000,
      })
      await audit.append({
        who: whoName,
        action: 'token.create',
        client: body.client,
        subject: made.token.split('.')[1] ?? '',
        detail: { expiresAtMs: made.expiresAtMs },
      })
      return made
    },
    clients: async () => ({ clients: await clients.list() }),
    async createClient({ body, whoName }) {
      await clients.create(body.id, body.name)
      await audit.append({ who: whoName, action: 'client.create', client: body.id, subject: body.id })
      return { ok: true }
    },
    async devices({ query }) {
      const all = await view((await devices.list(query.client)).slice(0, query.limit))
      return { devices: all }
    },
    async device({ params }) {
      const device = await one(params.device)
      return {
        device,
        policy: await devices.policy(params.device),
        latest: await store.latest(device.client, device.id),
      }
    },
    async deviceFacts({ params }) {
      const { client, id } = await devices.get(params.device)
      return { facts: await documents.facts({ client, device: id }) }
    },
    async deviceSeries({ params, query }) {
      const { client, id } = await devices.get(params.device)
      return { series: await store.series({ client, device: id, ...query }) }
    },
    async revokeDevice({ params, whoName }) {
      const { client, device, serial } = await devices.revoke(params.device)
      broker.disconnect(device, 'revoked')
      await parts.deviceGone(device)
      await audit.append({
        who: whoName,
        action: 'device.revoke',
        client,
        subject: device,
        detail: { serial },
      })
      live.events.emit({ type: 'device', device })
      return { ok: true }
    },
    async setPolicy({ params, body, whoName }) {
      const edit = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
      const change = await devices.setPolicy(params.device, edit)
      await audit.append({
        who: whoName,
        action: 'device.policy',
        client: change.client,
        subject: params.device,
        detail: edit,
      })
      await pushPolicy(change)
      return change.policy
    },
    async setTags({ params, body, whoName }) {
      const { client, tags } = await devices.setTags(params.device, body.tags)
      await audit.append({
        who: whoName,
        action: 'device.tags',
        client,
        subject: params.device,
        detail: { tags },
      })
      await parts.deviceChanged(params.device)
      live.events.emit({ type: 'device', device: params.device })
      return { tags }
    },
    async startLab({ params, body, whoName }) {
      const change = await devices.startLab(params.device, body)
      await audit.append({
        who: whoName,
        action: 'lab.start',
        client: change.client,
        subject: params.device,
        detail: body,
      })
      await pushPolicy(change)
      return { untilMs: change.untilMs }
    },
    async endLab({ params, whoName }) {
      const change = await devices.endLab(params.device)
      await audit.append({ who: whoName, action: 'lab.end', client: change.client, subject: params.device })
      await pushPolicy(change)
      return { ok: true }
    },
  }
}
