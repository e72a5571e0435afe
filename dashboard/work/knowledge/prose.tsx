import './knowledge.css'
import { useMemo, type ReactElement } from 'react'
import { parseMarkdown, type Block, type Inline } from './markdown.ts'

/** Markdown as elements of the page: nothing of it is ever taken as HTML. */
export function Prose({ source, language }: { source: string; language: string }): ReactElement {
  const blocks = useMemo(() => parseMarkdown(source), [source])
  return (
    <div className="prose" lang={language}>
      {blocks.map((block, index) => (
        <BlockOf key={index} block={block} />
      ))}
    </div>
  )
}

function BlockOf({ block }: { block: Block }): ReactElement {
  switch (block.kind) {
    case 'heading': {
      const Heading = `h${block.level}` as const
      return (
        <Heading>
          <Line line={block.line} />
        </Heading>
      )
    }
    case 'paragraph':
      return (
        <p>
          <Line line={block.line} />
        </p>
      )
    case 'quote':
      return (
        <blockquote>
          <Line line={block.line} />
        </blockquote>
      )
    case 'code':
      return (
        <pre className="output" tabIndex={0}>
          {block.text}
        </pre>
      )
    case 'list': {
      const List = block.ordered ? 'ol' : 'ul'
      return (
        <List>
          {block.items.map((item, index) => (
            <li key={index}>
              <Line line={item} />
            </li>
          ))}
        </List>
      )
    }
    default:
      return block satisfies never
  }
}

function Line({ line }: { line: readonly Inline[] }): ReactElement {
  return (
    <>
      {line.map((piece, index) => {
        switch (piece.kind) {
          case 'text':
            return piece.text
          case 'strong':
            return <strong key={index}>{piece.text}</strong>
          case 'em':
            return <em key={index}>{piece.text}</em>
          case 'code':
            return <code key={index}>{piece.text}</code>
          case 'link':
            return (
              <a key={index} href={piece.href} rel="noreferrer noopener" target="_blank">
                {piece.text}
              </a>
            )
          default:
            return piece satisfies never
        }
      })}
    </>
  )
}
