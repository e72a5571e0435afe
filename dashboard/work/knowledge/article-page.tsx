import '../work.css'
import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { call, type Answer } from '../../api.ts'
import { useWords } from '../../language/use-words.ts'
import { Answered } from '../../shell/answered.tsx'
import { Ago, Failure, PageHead, Tag } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'
import { Prose } from './prose.tsx'

/** One article: what to know, and the approved script that does what it describes. */
export function ArticlePage(): ReactElement {
  const { t } = useWords()
  const { slug } = useParams({ from: '/shell/articles/$slug' })
  const answer = useQuery(askWork.article(slug))
  return (
    <div className="page">
      <Link to="/articles" className="back">
        ← {t('work.backToArticles')}
      </Link>
      <Answered answer={answer}>{(article) => <Article article={article} />}</Answered>
    </div>
  )
}

function Article({ article }: { article: Answer<'article'> }): ReactElement {
  const { t, language } = useWords()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const remove = useMutation({
    mutationFn: () => call('removeArticle', { params: { slug: article.slug }, query: { confirm: 'true' } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['articles'] })
      await navigate({ to: '/articles' })
    },
  })
  return (
    <>
      <PageHead
        title={article.title[language]}
        lead={
          <span className="inline">
            <Tag tone={article.source === 'own' ? 'info' : 'idle'}>
              {t(article.source === 'own' ? 'work.own' : 'work.shipped')}
            </Tag>
            {article.source === 'own' && (
              <span className="dim small">
                {article.changedBy} · <Ago ms={article.changedAtMs} />
              </span>
            )}
          </span>
        }
      >
        <Link to="/write" search={{ slug: article.slug }} className="button">
          {t('work.editArticle')}
        </Link>
        {article.source === 'own' && (
          <Button size="xs" variant="default" loading={remove.isPending} onClick={() => remove.mutate()}>
            {t('work.removeArticle')}
          </Button>
        )}
      </PageHead>
      {remove.isError && <Failure error={remove.error} />}
      <div className="two">
        <section className="card card-body" aria-label={article.title[language]}>
          <Prose source={article.body[language]} language={language} />
        </section>
        <div className="stack">
          <section className="card" aria-labelledby="remedy">
            <h2 id="remedy">{t('work.remedy')}</h2>
            <div className="card-body stack">
              {article.remedy === null ? (
                <p className="dim">{t('work.noFix')}</p>
              ) : (
                <>
                  <Link to="/scripts/$name" params={{ name: article.remedy.script }}>
                    {article.remedy.script}
                  </Link>
                  <ul className="plain mono small">
                    {Object.entries(article.remedy.parameters).map(([name, value]) => (
                      <li key={name}>
                        {name}={String(value)}
                      </li>
                    ))}
                  </ul>
                </>
              )}
            </div>
          </section>
          {article.rules.length > 0 && (
            <section className="card" aria-labelledby="rules">
              <h2 id="rules">{t('work.about')}</h2>
              <ul className="card-body plain">
                {article.rules.map((rule) => (
                  <li key={rule}>
                    <Link to="/rules/$rule" params={{ rule }} className="mono">
                      {rule}
                    </Link>
                  </li>
                ))}
              </ul>
            </section>
          )}
        </div>
      </div>
    </>
  )
}
