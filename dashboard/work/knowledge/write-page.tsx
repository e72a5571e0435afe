import '../work.css'
import { Button, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import type { ParameterValues } from '../../../contract/command.ts'
import { call, type Answer } from '../../api.ts'
import { useWords } from '../../language/use-words.ts'
import { Failure, PageHead, Waiting } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'
import { Prose } from './prose.tsx'

const LANGUAGES = ['en', 'es'] as const
const NAMES = { en: 'English', es: 'Español' } as const
const NEW = {
  ...{ slug: '', title: { en: '', es: '' }, body: { en: '', es: '' }, rules: [] as string[] },
  remedy: null as Answer<'article'>['remedy'],
}

/** Writes an article of one's own, new or in place of one that ships. */
export function WritePage(): ReactElement {
  const { t } = useWords()
  const { slug } = useSearch({ from: '/shell/write' })
  const answer = useQuery({ ...askWork.article(slug ?? ''), enabled: slug !== undefined })
  return (
    <div className="page">
      <Link to="/articles" className="back">
        ← {t('work.backToArticles')}
      </Link>
      <PageHead title={t(slug === undefined ? 'work.writeArticle' : 'work.editArticle')} />
      {answer.isError && <Failure error={answer.error} />}
      {slug !== undefined && answer.isPending && <Waiting rows={6} />}
      {(slug === undefined || answer.data) && <Editor key={slug ?? ''} start={answer.data ?? NEW} />}
    </div>
  )
}

function Editor({ start }: { start: typeof NEW }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [draft, setDraft] = useState({
    ...{ slug: start.slug, title: start.title, body: start.body, rules: start.rules.join(', ') },
    script: start.remedy?.script ?? '',
    parameters: linesOf(start.remedy?.parameters ?? {}),
  })
  const save = useMutation({
    mutationFn: () => {
      const { slug, title, body, rules, script, parameters } = draft
      return call('saveArticle', {
        body: {
          ...{ slug: slug.trim(), title, body },
          rules: rules
            .split(',')
            .map((rule) => rule.trim())
            .filter((rule) => rule !== ''),
          remedy: script.trim() === '' ? null : { script: script.trim(), parameters: valuesOf(parameters) },
        },
      })
    },
    onSuccess: async ({ slug }) => {
      await queries.invalidateQueries({ queryKey: ['articles'] })
      await navigate({ to: '/articles/$slug', params: { slug } })
    },
  })
  const text = (field: 'slug' | 'rules' | 'script') => ({
    value: draft[field],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) =>
      setDraft({ ...draft, [field]: event.currentTarget.value }),
  })
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <section className="card card-body fields">
        <TextInput
          label={t('work.slug')}
          description={t('work.slugHelp')}
          required
          maxLength={80}
          pattern="[a-z][a-z0-9]*(-[a-z0-9]+)*"
          spellCheck={false}
          disabled={start.slug !== ''}
          {...text('slug')}
        />
        <TextInput
          label={t('work.rulesField')}
          description={t('work.rulesHelp')}
          spellCheck={false}
          {...text('rules')}
        />
        <TextInput
          label={t('work.scriptField')}
          description={t('work.scriptHelp')}
          spellCheck={false}
          {...text('script')}
        />
        <Textarea
          label={t('work.parametersField')}
          description={t('work.parametersHelp')}
          autosize
          minRows={2}
          spellCheck={false}
          value={draft.parameters}
          onChange={(event) => setDraft({ ...draft, parameters: event.currentTarget.value })}
        />
      </section>
      {LANGUAGES.map((language) => (
        <section key={language} className="card card-body two" aria-label={NAMES[language]}>
          <div className="stack">
            <TextInput
              label={t('work.titleIn', { language: NAMES[language] })}
              required
              lang={language}
              value={draft.title[language]}
              onChange={(event) =>
                setDraft({ ...draft, title: { ...draft.title, [language]: event.currentTarget.value } })
              }
            />
            <Textarea
              label={t('work.bodyIn', { language: NAMES[language] })}
              required
              autosize
              minRows={8}
              maxRows={24}
              lang={language}
              value={draft.body[language]}
              onChange={(event) =>
                setDraft({ ...draft, body: { ...draft.body, [language]: event.currentTarget.value } })
              }
            />
          </div>
          <Prose source={draft.body[language]} language={language} />
        </section>
      ))}
      {save.isError && <Failure error={save.error} />}
      <span>
        <Button type="submit" loading={save.isPending}>
          {t('work.save')}
        </Button>
      </span>
    </form>
  )
}

function linesOf(parameters: ParameterValues): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join('\n')
}

/** `name=value` lines; whole numbers, true and false become what they look like, as on the command line. */
function valuesOf(lines: string): ParameterValues {
  return Object.fromEntries(
    lines
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => {
        const at = line.indexOf('=')
        const text = line.slice(at + 1).trim()
        const value = /^-?\d{1,15}$/.test(text)
          ? Number(text)
          : text === 'true' || text === 'false'
            ? text === 'true'
            : text
        return [line.slice(0, at).trim(), value]
      }),
  )
}
