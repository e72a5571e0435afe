import type { Systeminformation } from 'systeminformation'
import { nothing, withoutEmpty, type InventoryPart, type InventorySample } from './part.ts'

/** The battery's document and its health (full charge over design capacity) and charge, in percent. */
export function batteryPart(answer: Systeminformation.BatteryData): InventoryPart {
  if (!answer.hasBattery) return nothing('battery', 'the machine has no battery')
  const { designedCapacity, maxCapacity, percent } = answer
  const health = designedCapacity > 0 && maxCapacity > 0 ? (100 * maxCapacity) / designedCapacity : null
  const samples: InventorySample[] = [
    { metric: 'battery.health_percent', labels: {}, value: health },
    { metric: 'battery.charge_percent', labels: {}, value: Number.isFinite(percent) ? percent : null },
  ]
  const unavailable =
    health === null ? [{ part: 'battery.health', reason: 'the battery does not tell its capacity' }] : []
  return { kind: 'battery', document: withoutEmpty(answer) ?? {}, samples, unavailable }
}
