import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { Incident } from '../../contract/incident.ts'
import { formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import { Tag } from '../shell/parts.tsx'

const SHOWN = 60

/** What an incident explains: devices of a site that is offline, or alerts of the device that have the same cause. */
export function Members({ incident }: { incident: Incident }): ReactElement | null {
  const { t, language } = useWords()
  const now = useNow(60_000)
  const { members = [], site, client } = incident
  if (members.length === 0) return null
  const ofSite = incident.scope === 'site'
  const firing = members.filter((member) => member.untilMs === null).length
  const count = members.length
  return (
    <section className="card" aria-labelledby="members">
      <div className="card-head">
        <h2 id="members">
          {ofSite
            ? t('explain.siteMembers', { count, site: site ?? client })
            : t('explain.members', { count })}
        </h2>
        {firing > 0 && <span className="dim small">{t('explain.stillCount', { count: firing })}</span>}
      </div>
      <div className="card-body stack">
        <p className="dim">{t(ofSite ? 'explain.siteLead' : 'explain.membersLead')}</p>
        <ul className={ofSite ? 'members of-site' : 'members'}>
          {members.slice(0, SHOWN).map((member) => (
            <li key={member.fingerprint + member.device}>
              <Tag tone={member.untilMs === null ? 'warning' : 'ok'}>
                {t(member.untilMs === null ? 'explain.still' : 'explain.over')}
              </Tag>
              <span>
                {ofSite ? (
                  <Link to="/devices/$device" params={{ device: member.device }}>
                    {member.hostname}
                  </Link>
                ) : (
                  <Link to="/rules/$rule" params={{ rule: member.rule }}>
                    {member.rule}
                  </Link>
                )}{' '}
                <span className="dim small nowrap">
                  {t('explain.lasting', {
                    span: formatSpan(Math.max(0, (member.untilMs ?? now) - member.sinceMs), language),
                  })}
                </span>
                {!ofSite && (
                  <span className="small" lang="en">
                    {member.sentence}
                  </span>
                )}
              </span>
            </li>
          ))}
        </ul>
        {count > SHOWN && <p className="dim small">{t('common.more', { count: count - SHOWN })}</p>}
      </div>
    </section>
  )
}
