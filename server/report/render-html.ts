import { readFileSync } from 'node:fs'
import type { ReportSection, ReportView } from './view.ts'

const STYLE = readFileSync(new URL('./report.css', import.meta.url), 'utf8')

/** One HTML document that stands alone: no script, nothing from elsewhere, ready to print. Every text is escaped. */
export function renderHtml(view: ReportView): string {
  return [
    '<!doctype html>',
    `<html lang="${view.language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<title>${escape(`${view.title} · ${view.client} · ${view.subtitle}`)}</title><style>${STYLE}</style></head><body><main>`,
    `<header><p class="brand">Vigía</p><h1>${escape(view.title)}</h1><p class="client">${escape(view.client)}</p><p>${escape(view.subtitle)}</p>`,
    view.note === '' ? '' : `<p class="note">${escape(view.note)}</p>`,
    `</header><section aria-labelledby="glance"><h2 id="glance">${escape(view.glanceTitle)}</h2><dl class="glance">`,
    ...view.glance.map(
      (item) =>
        `<div><dt>${escape(item.label)}</dt><dd><strong>${escape(item.value)}</strong> <span>${escape(item.detail)}</span></dd></div>`,
    ),
    '</dl></section>',
    `<section><h2>${escape(view.chart.title)}</h2><div class="chart" role="img" aria-label="${escape(view.chart.alt)}">${view.chart.svg}</div></section>`,
    ...view.sections.map(renderSection),
    `<section><h2>${escape(view.method.title)}</h2><p>${escape(view.method.text)}</p></section>`,
    `<footer>${escape(view.madeAt)}</footer></main></body></html>`,
  ].join('\n')
}

function renderSection(section: ReportSection): string {
  const cell = (tag: 'th scope="col"' | 'td', text: string, column: number): string =>
    `<${tag}${section.align[column] === 'right' ? ' class="figure"' : ''}>${escape(text)}</${tag.slice(0, 2)}>`
  const body =
    section.rows.length === 0
      ? `<p class="empty">${escape(section.empty)}</p>`
      : `<div class="wide" tabindex="0" role="region" aria-label="${escape(section.title)}"><table><thead><tr>${section.head.map((text, column) => cell('th scope="col"', text, column)).join('')}</tr></thead><tbody>${section.rows
          .map((row) => `<tr>${row.map((text, column) => cell('td', text, column)).join('')}</tr>`)
          .join('')}</tbody></table></div>`
  return `<section><h2>${escape(section.title)}</h2>${section.intro === '' ? '' : `<p>${escape(section.intro)}</p>`}${body}</section>`
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
