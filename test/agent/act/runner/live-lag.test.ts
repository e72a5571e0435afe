import { afterEach, beforeEach, expect, it } from 'vitest'
import { createBench, type Bench } from '../harness.ts'

let bench: Bench
beforeEach(() => void (bench = createBench()))
afterEach(() => bench.close())

it('live output comes in order over both streams, at most 500 ms behind', async () => {
  const result = await bench.run(
    `for i in 1 2 3 4 5; do echo "o$i $(date +%s%3N)"; sleep 0.07; echo "e$i $(date +%s%3N)" >&2; sleep 0.07; done`,
  )
  const lines = bench.output.flatMap(({ text, atMs, stream }) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => ({ stream, line: line.split(' ')[0], behindMs: atMs - Number(line.split(' ')[1]) })),
  )
  expect(lines.map(({ line }) => line).join(' ')).toBe('o1 e1 o2 e2 o3 e3 o4 e4 o5 e5')
  expect(lines.every(({ stream, line }) => stream.slice(3, 4) === (line!.startsWith('o') ? 'o' : 'e'))).toBe(
    true,
  )
  expect(Math.max(...lines.map(({ behindMs }) => behindMs))).toBeLessThan(500)
  expect(lines[0]!.behindMs).toBeLessThan(300)
  expect(bench.output.map(({ at }) => at)).toEqual(bench.output.map((_, at) => at))
  expect(result.transcript.map(({ text }) => text.slice(0, 2)).join(' ')).toBe(
    'o1 e1 o2 e2 o3 e3 o4 e4 o5 e5',
  )
})
