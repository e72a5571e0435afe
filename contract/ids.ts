import * as z from 'zod'

/** A client (tenant) of the MSP: a short name that stands in topics and URLs. */
export const ClientId = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'lower-case letters, digits and hyphens, at most 40')
export type ClientId = z.infer<typeof ClientId>

/** A device: `d-` and 16 characters of lower-case base32, made by the server at enrolment. */
export const DeviceId = z.string().regex(/^d-[a-z2-7]{16}$/, 'd- and 16 characters of base32')
export type DeviceId = z.infer<typeof DeviceId>

/** A record's identity: UUID, made by the server. */
export const RecordId = z.uuid()
export type RecordId = z.infer<typeof RecordId>

/** A unit's name (rule, script, remedy, detector, collector): kebab-case. */
export const UnitName = z
  .string()
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, 'kebab-case')
  .max(64)
export type UnitName = z.infer<typeof UnitName>
