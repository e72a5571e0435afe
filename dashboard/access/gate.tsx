import type { ReactElement, ReactNode } from 'react'
import { Choices } from '../shell/choices.tsx'
import logo from '../shell/vigia.svg'

/** The card in which someone who is not signed in is met. */
export function Gate({
  title,
  lead,
  children,
}: {
  title: string
  lead: string
  children: ReactNode
}): ReactElement {
  return (
    <main className="gate">
      <div className="gate-card">
        <div className="brand">
          <img src={logo} alt="" />
          Vigía
        </div>
        <div className="card card-body stack">
          <div>
            <h1>{title}</h1>
            <p className="lead">{lead}</p>
          </div>
          {children}
        </div>
        <Choices />
      </div>
    </main>
  )
}
