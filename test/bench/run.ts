import { readdirSync } from 'node:fs'

type Bench = { run: (args: string[]) => Promise<object> }

// `npm run bench -- NAME [options]`: runs test/bench/NAME.ts; the last line is one JSON object.
const here = import.meta.dirname
const [name, ...args] = process.argv.slice(2)
const names = readdirSync(here)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.replace('.ts', ''))
if (name === undefined || !names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [options]\nBenches: ${names.join(', ')}`)
  process.exit(2)
}
const bench = (await import(`./${name}.ts`)) as Bench
const figures = await bench.run(args)
console.log(JSON.stringify(figures))
process.exit(0)
