import { readFileSync } from 'node:fs'
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler'
import type { ReportView } from './view.ts'

const TEMPLATE = readFileSync(new URL('./report.typ', import.meta.url), 'utf8')

/** The view as tagged PDF/UA-1 (ISO 14289-1); throws where the standard is not met, such as a figure without text. */
export function renderPdf(view: ReportView): Uint8Array {
  const compiler = NodeCompiler.create()
  return compiler.pdf(
    { mainFileContent: TEMPLATE, inputs: { view: JSON.stringify(view) } },
    { pdfStandard: 'ua-1', creationTimestamp: Math.floor(view.madeAtMs / 1000) },
  )
}
