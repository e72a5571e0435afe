import type { ReactElement } from 'react'
import type { DeviceView } from '../../contract/views.ts'
import { useWords } from '../language/use-words.ts'
import { ToneShape, type Tone } from '../shell/icons.tsx'

/** Where a device stands, as one word: revoked, offline or online. */
export function deviceStatus(device: DeviceView): 'online' | 'offline' | 'revoked' {
  if (device.revokedAtMs !== null) return 'revoked'
  return device.online ? 'online' : 'offline'
}

/** Online, offline or revoked, in words, shape and colour; an offline device is worth a look, a revoked one is not. */
export function DeviceStatus({ device }: { device: DeviceView }): ReactElement {
  const { t } = useWords()
  const status = deviceStatus(device)
  const tone: Tone = status === 'online' ? 'ok' : status === 'offline' ? 'warning' : 'idle'
  return (
    <span className="mark" data-tone={tone}>
      <ToneShape tone={tone} />
      {t(`status.${status}`)}
    </span>
  )
}
