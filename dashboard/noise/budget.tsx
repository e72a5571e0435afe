import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { NoiseFinding } from '../../contract/noise.ts'
import { useWords } from '../language/use-words.ts'
import { CopyText } from '../shell/copy.tsx'
import { Empty, Failure, Waiting } from '../shell/parts.tsx'
import { askNoise } from './ask.ts'

/** Rules that cried wolf more often than their budget, each with the change that would have kept them quiet. */
export function Budget({ client }: { client: string | undefined }): ReactElement {
  const { t } = useWords()
  const answer = useQuery(askNoise.findings(client))
  return (
    <section className="stack" aria-label={t('noise.part.budget')}>
      <p className="dim">{t('noise.budgetLead')}</p>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={4} />}
      {answer.data?.length === 0 && (
        <div className="card">
          <Empty icon="noise" title={t('noise.quiet')} help={t('noise.quietHelp')} />
        </div>
      )}
      {answer.data?.map((finding) => (
        <Finding key={`${finding.client} ${finding.rule}`} finding={finding} />
      ))}
    </section>
  )
}

function Finding({ finding }: { finding: NoiseFinding }): ReactElement {
  const { t } = useWords()
  const { client, rule, ignored, incidents, devices, budget, proposal } = finding
  return (
    <article className="card" aria-labelledby={`finding-${client}-${rule}`}>
      <div className="card-head">
        <h2 id={`finding-${client}-${rule}`}>{t('noise.finding', { rule, client, count: ignored })}</h2>
      </div>
      <div className="card-body two">
        <div className="stack">
          <p>
            {t('noise.findingFigures', { incidents, devices, budget })}{' '}
            <Link to="/rules/$rule" params={{ rule }}>
              {t('noise.openRule')}
            </Link>
          </p>
          <p>
            <strong>{t(`noise.proposal.${proposal.kind}`)}</strong>{' '}
            {t('noise.avoids', { count: proposal.avoids, ignored })}
          </p>
          <p className="dim small" lang="en">
            {proposal.why}
          </p>
          <p>
            <Link to="/packs/$pack" params={{ pack: `${client}-figures` }} search={{ add: proposal.yaml }}>
              {t('noise.openEditor')}
            </Link>
          </p>
        </div>
        <CopyText text={proposal.yaml} />
      </div>
    </article>
  )
}
