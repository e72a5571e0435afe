import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useWords } from '../language/use-words.ts'

/** What a technician may open on a device. */
export function DeviceLinks({ device }: { device: string }): ReactElement {
  const { t } = useWords()
  return (
    <nav className="inline" aria-label={t('remote.sessions')}>
      <Link to="/run" search={{ device }} className="button">
        {t('device.runScript')}
      </Link>
      <Link to="/devices/$device/terminal" params={{ device }} className="button">
        {t('remote.kind.terminal')}
      </Link>
      <Link to="/devices/$device/files" params={{ device }} className="button">
        {t('remote.kind.files')}
      </Link>
      <Link to="/devices/$device/screen" params={{ device }} className="button">
        {t('remote.kind.screen')}
      </Link>
      <Link to="/jobs" search={{ device }}>
        {t('device.jobs')}
      </Link>
      <Link to="/remote" search={{ device }}>
        {t('remote.sessions')}
      </Link>
    </nav>
  )
}
