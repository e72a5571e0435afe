import type { ReactElement } from 'react'

const SHAPES = {
  fleet: 'M4 5h16v10H4zM9 20h6M12 15v5',
  incidents: 'M12 4 21 19H3zM12 10v4M12 16.5v.5',
  tickets: 'M4 7h16v3.5a1.5 1.5 0 0 0 0 3V17H4v-3.5a1.5 1.5 0 0 0 0-3zM14 7v10',
  rules: 'M4 6h10M4 12h16M4 18h8M17 4v4M15 16l2 2 4-4',
  noise: 'M6 17V11a6 6 0 0 1 9-5.2M18 11v6H6M10 20h4M4 4l16 16',
  scripts: 'M5 4h14v16H5zM9 9l2.5 2.5L9 14M13 15h3',
  runs: 'M5 5l6 4-6 4zM13 7h7M13 12h7M5 18h15',
  remote: 'M3 5h18v12H3zM9 21h6M12 17v4M7 9l2.5 2L7 13M12 13h4',
  more: 'M5 12h.5M12 12h.5M19 12h.5',
  ledger: 'M12 3l8 3v6c0 5-3.5 7.5-8 9-4.5-1.5-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5',
  reports: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6',
  health: 'M3 12h4l2.5-6 4.5 12 2.5-6H21',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
} as const
export type IconName = keyof typeof SHAPES

/** An outline icon; it repeats the word beside it, so it is hidden from screen readers. */
export function Icon({ name }: { name: IconName }): ReactElement {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinejoin="round"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d={SHAPES[name]} />
    </svg>
  )
}

export type Tone = 'ok' | 'info' | 'warning' | 'critical' | 'idle'

/** A shape for each tone, so that colour is never the only signal. */
export function ToneShape({ tone }: { tone: Tone }): ReactElement {
  return (
    <svg viewBox="0 0 12 12" className="dot" fill="currentColor" aria-hidden="true">
      {shape(tone)}
    </svg>
  )
}

function shape(tone: Tone): ReactElement {
  switch (tone) {
    case 'ok':
      return <circle cx="6" cy="6" r="5" />
    case 'info':
      return <rect x="1.5" y="1.5" width="9" height="9" rx="1.5" />
    case 'warning':
      return <path d="M6 1 11.5 11H.5z" />
    case 'critical':
      return <path d="M6 0 12 6 6 12 0 6z" />
    case 'idle':
      return <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="2" />
    default:
      return tone satisfies never
  }
}
