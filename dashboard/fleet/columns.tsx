import {
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
} from '@tanstack/react-table'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { DeviceView } from '../../contract/views.ts'
import { useWords } from '../language/use-words.ts'
import { Ago, PercentBar, severityTone, Tag } from '../shell/parts.tsx'
import { DeviceStatus, deviceStatus } from './status.tsx'

/** What the fleet table needs of TanStack Table. */
export const fleetFeatures = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() })

const SEVERITY_RANK = { critical: 0, warning: 1, info: 2 } as const
const STATUS_RANK = { offline: 3, online: 4, revoked: 5 } as const

const helper = createColumnHelper<typeof fleetFeatures, DeviceView>()
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Trouble first: the worst open incident, then devices that are silent, then the rest. */
function troubleRank(device: DeviceView): number {
  return device.worstSeverity === null
    ? STATUS_RANK[deviceStatus(device)]
    : SEVERITY_RANK[device.worstSeverity]
}

type Rows = { original: DeviceView }
const byText =
  (text: (device: DeviceView) => string) =>
  (a: Rows, b: Rows): number =>
    collator.compare(text(a.original), text(b.original))
/** Unavailable values sort as less than any value. */
const byNumber =
  (number: (device: DeviceView) => number | null) =>
  (a: Rows, b: Rows): number =>
    (number(a.original) ?? -1) - (number(b.original) ?? -1)

/** The columns of the fleet, in the order of their reading. `narrow` ones are left out on a small screen. */
export const fleetColumns = helper.columns([
  helper.accessor(troubleRank, {
    id: 'status',
    sortFn: (a, b) =>
      troubleRank(a.original) - troubleRank(b.original) ||
      collator.compare(a.original.hostname, b.original.hostname),
    cell: ({ row }) => <DeviceStatus device={row.original} />,
  }),
  helper.accessor('hostname', {
    sortFn: byText((device) => device.hostname),
    cell: ({ row }) => <Name device={row.original} />,
  }),
  helper.accessor('client', {
    sortFn: byText((device) => device.client),
    cell: ({ row }) => row.original.client,
  }),
  helper.accessor('osName', {
    id: 'os',
    sortFn: byText((device) => device.osName),
    cell: ({ row }) => <span title={row.original.osName}>{row.original.osName}</span>,
  }),
  helper.accessor('headline.cpuPercent', {
    id: 'cpu',
    sortFn: byNumber((device) => device.headline.cpuPercent),
    sortDescFirst: true,
    cell: ({ row }) => <Headline device={row.original} of="cpu" />,
  }),
  helper.accessor('headline.memoryPercent', {
    id: 'memory',
    sortFn: byNumber((device) => device.headline.memoryPercent),
    sortDescFirst: true,
    cell: ({ row }) => <Headline device={row.original} of="memory" />,
  }),
  helper.accessor('headline.diskPercent', {
    id: 'disk',
    sortFn: byNumber((device) => device.headline.diskPercent),
    sortDescFirst: true,
    cell: ({ row }) => <Headline device={row.original} of="disk" />,
  }),
  helper.accessor('openIncidents', {
    id: 'incidents',
    sortFn: byNumber((device) => device.openIncidents),
    sortDescFirst: true,
    cell: ({ row }) => <OpenIncidents device={row.original} />,
  }),
  helper.accessor('lastSeenMs', {
    id: 'lastSeen',
    sortFn: byNumber((device) => device.lastSeenMs),
    sortDescFirst: true,
    cell: ({ row }) => <Ago ms={row.original.lastSeenMs} />,
  }),
])

function Name({ device }: { device: DeviceView }): ReactElement {
  return (
    <>
      <Link to="/devices/$device" params={{ device: device.id }} className="row-link">
        {device.hostname}
      </Link>
      <span className="only-narrow dim small row-under">
        {device.openIncidents > 0 ? <OpenIncidents device={device} /> : <DeviceStatus device={device} />} ·{' '}
        {device.client}
      </span>
    </>
  )
}

function Headline({ device, of }: { device: DeviceView; of: 'cpu' | 'memory' | 'disk' }): ReactElement {
  const { t } = useWords()
  const { cpuPercent, memoryPercent, diskPercent } = device.headline
  const value = of === 'cpu' ? cpuPercent : of === 'memory' ? memoryPercent : diskPercent
  return <PercentBar value={value} label={t(`fleet.${of}`)} />
}

function OpenIncidents({ device }: { device: DeviceView }): ReactElement {
  const { t } = useWords()
  if (device.openIncidents === 0 || device.worstSeverity === null) return <span className="dim">0</span>
  const severity = t(`severity.${device.worstSeverity}`)
  return (
    <span title={severity}>
      <Tag tone={severityTone(device.worstSeverity)}>
        {device.openIncidents} {severity}
      </Tag>
    </span>
  )
}
