import type { Command } from 'commander'
import { contextOf } from '../command.ts'
import { numberOption } from '../options.ts'
import { table, when } from '../output.ts'
import { findDevice } from './find-device.ts'

/** `vigia devices`, `device`, `clients`, `client-add`, `enrol-token`, `revoke`, `tag`, `policy`. */
export function registerFleet(program: Command): void {
  program
    .command('devices')
    .description('the fleet: every device with its state')
    .option('--client <client>', 'only of this client')
    .action(async (options: { client?: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const { devices } = await server.call('devices', {
        query: { limit: 1000, ...(options.client ? { client: options.client } : {}) },
      })
      out.print(devices, () =>
        devices.length === 0
          ? 'No device yet. Make a token with "vigia enrol-token --client NAME" and enrol one with "vigia agent enrol".'
          : table(
              ['DEVICE', 'HOST', 'CLIENT', 'STATE', 'CPU %', 'MEMORY %', 'DISK %', 'INCIDENTS', 'LAST SEEN'],
              devices.map((device) => [
                device.id,
                device.hostname,
                device.client,
                device.revokedAtMs !== null ? 'revoked' : device.online ? 'online' : 'offline',
                device.headline.cpuPercent?.toFixed(1),
                device.headline.memoryPercent?.toFixed(1),
                device.headline.diskPercent?.toFixed(1),
                device.openIncidents,
                when(device.lastSeenMs),
              ]),
            ),
      )
    })

  program
    .command('device <device>')
    .description('one device (id or host name) with the latest value of every series')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const device = await findDevice(server, name)
      const answer = await server.call('device', { params: { device } })
      out.print(answer, () => [
        `${answer.device.hostname} (${answer.device.id}) of ${answer.device.client}: ${answer.device.online ? 'online' : 'offline'}, ${answer.device.osName}, agent ${answer.device.agentVersion}`,
        ...table(
          ['METRIC', 'LABELS', 'VALUE', 'UNIT', 'AT'],
          answer.latest.map((latest) => [
            latest.metric,
            Object.entries(latest.labels)
              .map(([name, value]) => `${name}=${value}`)
              .join(' '),
            latest.value === null ? 'unavailable' : Number(latest.value.toPrecision(6)),
            latest.unit,
            when(latest.timeMs),
          ]),
        ),
      ])
    })

  program
    .command('clients')
    .description('the clients of the MSP')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const { clients } = await server.call('clients')
      out.print(clients, () =>
        clients.length === 0
          ? 'No client yet. Add one with "vigia client-add ID --name NAME".'
          : table(
              ['CLIENT', 'NAME'],
              clients.map((client) => [client.id, client.name]),
            ),
      )
    })

  program
    .command('client-add <id>')
    .description('add a client of the MSP')
    .requiredOption('--name <name>', 'its full name')
    .action(async (id: string, options: { name: string }, command: Command) => {
      const { server, out } = contextOf(command)
      await server.call('createClient', { body: { id, name: options.name } })
      out.print({ id }, () => `Client ${id} added.`)
    })

  program
    .command('enrol-token')
    .description('make a single-use token with which one device can enrol')
    .requiredOption('--client <client>', 'the client that the device belongs to')
    .option('--site <site>', 'where it stands')
    .addOption(numberOption('--minutes <minutes>', 'how long the token is good', 60))
    .action(async (options: { client: string; site?: string; minutes: number }, command: Command) => {
      const { server, out } = contextOf(command)
      const answer = await server.call('createEnrolToken', {
        body: {
          client: options.client,
          ttlMinutes: options.minutes,
          ...(options.site ? { site: options.site } : {}),
        },
      })
      out.print(answer, () => [
        answer.token,
        `Good once, until ${when(answer.expiresAtMs)}. On the device: vigia agent enrol --url ${server.url} --token TOKEN`,
      ])
    })

  program
    .command('revoke <device>')
    .description("revoke a device's certificate and cut its session at once")
    .action(async (name: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const device = await findDevice(server, name)
      await server.call('revokeDevice', { params: { device } })
      out.print({ device, revoked: true }, () => `${device} is revoked.`)
    })

  program
    .command('tag <device> [tags...]')
    .description('show the tags of a device, or replace them; rules select by them (server, laptop, …)')
    .option('--none', 'take all tags away')
    .action(async (name: string, tags: string[], options: { none?: boolean }, command: Command) => {
      const { server, out } = contextOf(command)
      const device = await findDevice(server, name)
      const answer =
        tags.length === 0 && options.none !== true
          ? (await server.call('device', { params: { device } })).device
          : await server.call('setTags', { params: { device }, body: { tags } })
      out.print({ device, tags: answer.tags }, () => answer.tags.join(' ') || 'no tags')
    })

  program
    .command('policy <device>')
    .description('show or change what a device watches and how often')
    .addOption(numberOption('--interval <seconds>', 'seconds between two cycles'))
    .option('--service <name...>', 'services to watch')
    .option('--certificate <target...>', 'host:port or PEM files whose certificates are watched')
    .action(
      async (
        name: string,
        options: { interval?: number; service?: string[]; certificate?: string[] },
        command: Command,
      ) => {
        const { server, out } = contextOf(command)
        const device = await findDevice(server, name)
        const body = {
          ...(options.interval === undefined ? {} : { intervalS: options.interval }),
          ...(options.service === undefined ? {} : { services: options.service }),
          ...(options.certificate === undefined ? {} : { certificates: options.certificate }),
        }
        const policy =
          Object.keys(body).length === 0
            ? (await server.call('device', { params: { device } })).policy
            : await server.call('setPolicy', { params: { device }, body })
        out.print(policy, () => JSON.stringify(policy, null, 2))
      },
    )
}
