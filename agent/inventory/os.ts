import type { Systeminformation } from 'systeminformation'
import { nothing, withoutEmpty, type InventoryPart } from './part.ts'

/** The operating system's document from systeminformation's osInfo. */
export function osPart(answer: Systeminformation.OsData, timeZone: string): InventoryPart {
  const { logofile: _logofile, serial: _serial, ...told } = answer
  const document = withoutEmpty(told)
  if (document === undefined || answer.distro === '')
    return nothing('os', 'the system does not tell its name')
  return { kind: 'os', document: { ...document, timeZone }, samples: [], unavailable: [] }
}
