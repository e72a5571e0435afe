import { SegmentedControl } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { ReactElement, ReactNode } from 'react'

/** A part of an order that can be said in several ways: its title, the ways to choose from, and the fields of the chosen one. */
export function ChoiceCard<Kind extends string>({
  id,
  title,
  kinds,
  name,
  chosen,
  choose,
  children,
}: {
  id: string
  title: string
  kinds: readonly Kind[]
  name: (kind: Kind) => string
  chosen: Kind
  choose: (kind: Kind) => void
  children: ReactNode
}): ReactElement {
  const narrow = useMediaQuery('(max-width: 480px)', false, { getInitialValueInEffect: false })
  return (
    <section className="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <div className="card-body stack">
        <SegmentedControl
          size="xs"
          fullWidth
          // Their names do not stand beside each other there.
          orientation={narrow ? 'vertical' : 'horizontal'}
          aria-label={title}
          value={chosen}
          onChange={(value) => {
            const kind = kinds.find((each) => each === value)
            if (kind !== undefined) choose(kind)
          }}
          data={kinds.map((value) => ({ value, label: name(value) }))}
        />
        {children}
      </div>
    </section>
  )
}
