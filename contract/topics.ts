/**
 * Every MQTT topic of Vigía, once. A device lives under `vigia/v1/PARTITION/CLIENT/DEVICE`; it publishes under
 * `up/` and has one subscription, `down`. The partition (two hexadecimal digits, 00 to 3f) is a hash of the
 * device, so that several servers can share the fleet by leasing partitions.
 */
export const TOPIC_ROOT = 'vigia/v1'
export const PARTITIONS = 64

/** What a device may publish. `json` and `line` are for people and for Telegraf; agents use `report`. */
export const UP_CHANNELS = [
  'session',
  'gone',
  'layout',
  'report',
  'json',
  'line',
  'facts',
  'output',
  'result',
  'remote',
  'remote-state',
] as const
export type UpChannel = (typeof UP_CHANNELS)[number]

export type DeviceAddress = { client: string; device: string }

/** The device's partition: FNV-1a (32 bit) of its identity, modulo 64, as two hexadecimal digits. */
export function partitionOf(device: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < device.length; i++) hash = Math.imul(hash ^ device.charCodeAt(i), 0x01000193)
  return ((hash >>> 0) % PARTITIONS).toString(16).padStart(2, '0')
}

/** The prefix under which one device lives, without a trailing slash. */
export function devicePrefix(address: DeviceAddress): string {
  return `${TOPIC_ROOT}/${partitionOf(address.device)}/${address.client}/${address.device}`
}

/** Where a device publishes. */
export function upTopic(address: DeviceAddress, channel: UpChannel): string {
  return `${devicePrefix(address)}/up/${channel}`
}

/** The one topic to which a device subscribes. */
export function downTopic(address: DeviceAddress): string {
  return `${devicePrefix(address)}/down`
}

/** Takes an `up` topic apart; undefined when it is not one, or when its partition is not that of its device. */
export function parseUpTopic(topic: string): (DeviceAddress & { channel: UpChannel }) | undefined {
  const parts = topic.split('/')
  if (parts.length !== 7 || parts[0] !== 'vigia' || parts[1] !== 'v1' || parts[5] !== 'up') return undefined
  const [, , partition, client, device, , channel] = parts
  if (!client || !device || !isUpChannel(channel) || partition !== partitionOf(device)) return undefined
  return { client, device, channel }
}

function isUpChannel(text: string | undefined): text is UpChannel {
  return UP_CHANNELS.some((channel) => channel === text)
}
