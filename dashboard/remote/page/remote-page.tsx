import '../remote.css'
import '../dialog.css'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement, ReactNode } from 'react'
import type { RemoteKind } from '../../../contract/remote/policy.ts'
import { useWords } from '../../language/use-words.ts'
import { ask } from '../../queries.ts'
import { PageHead } from '../../shell/parts.tsx'
import type { TechnicianKey } from '../key.ts'
import { WithKey } from '../with-key.tsx'

/** The frame of a page that opens sessions with a device: the way back, what it is, and `children` once there is a key. */
export function RemotePage({
  device,
  kind,
  lead,
  tools,
  children,
}: {
  device: string
  kind: Exclude<RemoteKind, 'rdp'>
  lead: string
  tools?: ReactNode
  children: (key: TechnicianKey) => ReactElement
}): ReactElement {
  const { t } = useWords()
  const found = useQuery(ask.device(device))
  const name = found.data?.device.hostname ?? device
  return (
    <div className="page remote-page">
      <Link to="/devices/$device" params={{ device }} className="back">
        ← {name}
      </Link>
      <PageHead title={t(`remote.title.${kind}`, { device: name })} lead={lead}>
        {tools}
      </PageHead>
      <WithKey device={device}>{children}</WithKey>
    </div>
  )
}
