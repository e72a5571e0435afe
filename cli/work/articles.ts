import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import { readArticle } from '../../server/knowledge/article-file.ts'
import { contextOf } from '../command.ts'
import { table } from '../output.ts'

/** `vigia articles list|show|add|remove`. */
export function registerArticles(program: Command): void {
  const articles = program
    .command('articles')
    .description('knowledge: what to know, and the script that does it')
  articles
    .command('list', { isDefault: true })
    .description('articles that ship and your own')
    .option('--rule <rule>', 'only those of a rule')
    .option('--find <words>', 'only those in which each word stands')
    .action(async (options: { rule?: string; find?: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const { articles: found } = await server.call('articles', { query: options })
      out.print(found, () =>
        found.length === 0
          ? 'No article says anything about that.'
          : table(
              ['ARTICLE', 'FROM', 'SCRIPT', 'TITLE'],
              found.map(({ slug, source, remedy, title }) => [slug, source, remedy?.script, title.en]),
            ),
      )
    })
  articles
    .command('show <slug>')
    .description('one article')
    .option('--spanish', 'in Spanish')
    .action(async (slug: string, options: { spanish?: boolean }, command: Command) => {
      const { server, out } = contextOf(command)
      const article = await server.call('article', { params: { slug } })
      const language = options.spanish ? 'es' : 'en'
      const values = Object.entries(article.remedy?.parameters ?? {}).map(
        ([name, value]) => `${name}=${String(value)}`,
      )
      out.print(article, () => [
        article.title[language],
        '',
        article.body[language],
        '',
        `Rules   ${article.rules.join(', ') || 'none'}`,
        `Script  ${article.remedy ? [article.remedy.script, ...values].join(' ') : 'none'}`,
      ])
    })
  articles
    .command('add <file>')
    .description('keep an article of your own, from SLUG.md; the same slug again replaces it')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      if (!existsSync(file)) throw new VigiaError('NOT_FOUND', `There is no file ${file}.`)
      const article = await server.call('saveArticle', { body: readArticle(file) })
      out.print(article, () => `Kept: ${article.slug}.`)
    })
  articles
    .command('remove <slug>')
    .description('take an article of your own away; a shipped one of its slug is back')
    .action(async (slug: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      await server.call('removeArticle', { params: { slug }, query: { confirm: 'true' } })
      out.print({ removed: slug }, () => `Gone: ${slug}.`)
    })
}
