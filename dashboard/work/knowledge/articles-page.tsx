import '../work.css'
import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useDeferredValue, useState, type ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import { Empty, Failure, PageHead, Tag, Waiting } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'

/** What is known about faults, and which of it comes with a script that does it. */
export function ArticlesPage(): ReactElement {
  const { t, language } = useWords()
  const [find, setFind] = useState('')
  const wanted = useDeferredValue(find)
  const answer = useQuery(askWork.articles(wanted === '' ? {} : { find: wanted }))
  return (
    <div className="page">
      <PageHead title={t('work.knowledge')} lead={t('work.knowledgeLead')}>
        <TextInput
          type="search"
          size="xs"
          label={t('work.find')}
          maxLength={200}
          value={find}
          onChange={(event) => setFind(event.currentTarget.value)}
        />
        <Link to="/write" className="button">
          {t('work.writeArticle')}
        </Link>
      </PageHead>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={6} />}
      {answer.data?.length === 0 && (
        <div className="card">
          <Empty icon="reports" title={t('work.noArticle')} help={t('work.noArticleHelp')} />
        </div>
      )}
      {answer.data && answer.data.length > 0 && (
        <ul className="card plain article-list">
          {answer.data.map((article) => (
            <li key={article.slug}>
              <Link to="/articles/$slug" params={{ slug: article.slug }} className="row-link">
                {article.title[language]}
              </Link>
              <span className="inline small dim">
                {article.remedy !== null && <Tag tone="ok">{article.remedy.script}</Tag>}
                <span>{t(article.source === 'own' ? 'work.own' : 'work.shipped')}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
