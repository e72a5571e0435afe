import { readFileSync } from 'node:fs'
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler'
import type { ReportView } from './view.ts'

const TEMPLATE = readFileSync(new URL('./report.typ', import.meta.url), 'utf8')

/** What the embedded font surely shows: Latin letters, the usual punctuation, and the line end. */
const SURELY_SHOWN = /[^\n\x20-\x7e\u00a0-\u017f\u2013\u2014\u2018-\u201d\u2022\u2026\u20ac\u2212]/gu
const NOT_SHOWN = '?'

/**
 * The view as tagged PDF/UA-1 (ISO 14289-1); throws where the standard is not met, such as a figure without text.
 * The standard also refuses a character that no font has; since devices name themselves, such characters become "?"
 * rather than leave the client without its report.
 */
export function renderPdf(view: ReportView): Uint8Array {
  try {
    return compile(view)
  } catch {
    // Whatever it was, what is left must be told by the second attempt.
    return compile(
      JSON.parse(
        JSON.stringify(view, (_, value: unknown) =>
          typeof value === 'string' ? value.replace(SURELY_SHOWN, NOT_SHOWN) : value,
        ),
      ) as ReportView,
    )
  }
}

function compile(view: ReportView): Uint8Array {
  const compiler = NodeCompiler.create()
  return compiler.pdf(
    { mainFileContent: TEMPLATE, inputs: { view: JSON.stringify(view) } },
    { pdfStandard: 'ua-1', creationTimestamp: Math.floor(view.madeAtMs / 1000) },
  )
}
