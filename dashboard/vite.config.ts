import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** Palettes of Mantine that no part of the console uses; theme.css has the console's own colours. */
const UNUSED =
  /^\s*--mantine-(?:primary-)?color-(?:pink|grape|violet|indigo|blue|cyan|teal|green|lime|yellow|orange)-.*;$\n/gm

/** Leaves unused palettes out of Mantine's variables: two thirds of that style sheet. */
function fewerVariables(): Plugin {
  return {
    name: 'vigia-fewer-variables',
    enforce: 'pre',
    transform: {
      filter: { id: /default-css-variables\.css/ },
      handler: (code) => code.replaceAll(UNUSED, ''),
    },
  }
}

// What is built is what ships, whatever runs the build: without this a test's NODE_ENV brings React's slow half.
process.env['NODE_ENV'] = 'production'

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [fewerVariables(), react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // Assets stay files: the content security policy has no room for anything inline.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What only some pages need stays with them: charts, the editor of rule packs, terminals and checks of
          // frames. noVNC is under another licence (MPL-2.0), so it is a file of its own.
          groups: [
            { name: 'novnc', test: /node_modules\/@novnc\// },
            {
              name: 'vendor',
              test: /node_modules\/(?!uplot|codemirror|@codemirror|@lezer|@marijn|style-mod|w3c-keyname|crelt|@novnc|@xterm|zod).*js$/,
            },
          ],
        },
      },
    },
  },
})
