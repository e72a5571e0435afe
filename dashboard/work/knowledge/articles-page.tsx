import './knowledge.css'
import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useDeferredValue, useState, type ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import { Empty, PageHead, Tag } from '../../shell/parts.tsx'
import { Listed } from '../../table/listed.tsx'
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
      <Listed
        answer={answer}
        empty={<Empty icon="reports" title={t('work.noArticle')} help={t('work.noArticleHelp')} />}
      >
        {(articles) => (
          <ul className="card plain article-list">
            {articles.map((article) => (
              <li key={article.slug}>
                <Link to="/articles/$slug" params={{ slug: article.slug }} className="row-link">
                  {article.title[language]}
                </Link>
                <span>{article.remedy !== null && <Tag tone="ok">{article.remedy.script}</Tag>}</span>
                <span className="small dim">{t(article.source === 'own' ? 'work.own' : 'work.shipped')}</span>
              </li>
            ))}
          </ul>
        )}
      </Listed>
    </div>
  )
}
