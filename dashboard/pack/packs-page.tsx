import '../rule/rule.css'
import './pack.css'
import { Button, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { askRules } from '../rule/ask.ts'
import { Place } from '../rule/coverage.tsx'
import { NotApplied } from '../rule/rules-page.tsx'
import { Failure, PageHead, Tag, Waiting } from '../shell/parts.tsx'
import { ListTable } from '../table/listed.tsx'
import { isPackName } from './text.ts'

/** The packs in force and where each comes from; an owner begins a new one here. */
export function PacksPage(): ReactElement {
  const { t } = useWords()
  const navigate = useNavigate()
  const answer = useQuery(askRules.packs())
  const me = useQuery(ask.me())
  const [name, setName] = useState('')
  return (
    <div className="page">
      <Link to="/rules" className="back">
        ← {t('rule.back')}
      </Link>
      <PageHead title={t('pack.title')} lead={t('pack.lead')}>
        {me.data?.role === 'owner' && (
          <form
            className="page-tools"
            onSubmit={(event) => {
              event.preventDefault()
              if (isPackName(name)) void navigate({ to: '/packs/$pack', params: { pack: name } })
            }}
          >
            <TextInput
              size="xs"
              label={t('pack.newName')}
              placeholder="acme"
              value={name}
              error={name !== '' && !isPackName(name) ? t('pack.nameRule') : undefined}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Button type="submit" size="xs" disabled={!isPackName(name)}>
              {t('pack.new')}
            </Button>
          </form>
        )}
      </PageHead>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting />}
      {answer.data?.faults && <NotApplied faults={answer.data.faults} />}
      {answer.data && (
        <ListTable
          label={t('pack.title')}
          className="packs"
          columns={[
            { key: 'pack', name: t('rule.pack') },
            { key: 'from', name: t('pack.from') },
            { key: 'rules', name: t('rule.title'), number: true },
            { key: 'overrides', name: t('rule.overrides'), number: true },
            { key: 'file', name: t('pack.file') },
          ]}
        >
          {answer.data.packs.map((pack) => (
            <tr key={pack.name}>
              <th scope="row">
                <Link to="/packs/$pack" params={{ pack: pack.name }} className="row-link">
                  {pack.name}
                </Link>
              </th>
              <td>
                <Tag tone={pack.origin === 'data' ? 'info' : 'idle'}>{t(`pack.origin.${pack.origin}`)}</Tag>
                {pack.replaces !== null && <span className="dim small"> {t('pack.replaces')}</span>}
              </td>
              <td className="number">{pack.rules}</td>
              <td className="number" data-column="overrides">
                {pack.overrides}
              </td>
              <td data-column="file">
                <Place file={pack.file} line={null} />
              </td>
            </tr>
          ))}
        </ListTable>
      )}
    </div>
  )
}
