import type { Command } from 'commander'
import { openKeyStore, personalKeyDirectory } from '../../server/script/key-store.ts'
import { publicPart } from '../../server/script/keys.ts'
import { APPROVER_KEY } from './approver-key.ts'
import { contextOf } from '../command.ts'
import { table } from '../output.ts'

/** `vigia keys list | create | show`: signing keys in the person's own key store, never in the server's data. */
export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('the signing keys in your own key store')
  keys
    .command('list')
    .description('the keys you have')
    .action((_options: unknown, command: Command) => {
      const { out } = contextOf(command)
      const directory = personalKeyDirectory(process.env)
      const all = openKeyStore(directory).list()
      out.print(all, () =>
        all.length === 0
          ? `No key in ${directory}. Make one with "vigia keys create NAME".`
          : table(
              ['NAME', 'KEY ID'],
              all.map((key) => [key.name, key.keyid]),
            ),
      )
    })
  keys
    .command('create [name]')
    .description('make a new Ed25519 key; only its public part ever leaves this machine')
    .action((name: string | undefined, _options: unknown, command: Command) => {
      const { out } = contextOf(command)
      const key = openKeyStore(personalKeyDirectory(process.env)).create(name ?? APPROVER_KEY)
      out.print(publicPart(key), () => [
        `Key ${key.name} made: ${key.keyid}`,
        `Its public part, for others: "vigia keys show ${key.name} > ${key.name}.pub.json"`,
      ])
    })
  keys
    .command('show [name]')
    .description('the public part of a key as JSON: for an approver of a trust root, or for vigia.yaml')
    .action((name: string | undefined, _options: unknown, command: Command) => {
      const { out } = contextOf(command)
      const key = publicPart(openKeyStore(personalKeyDirectory(process.env)).load(name ?? APPROVER_KEY))
      out.print(key, () => JSON.stringify(key))
    })
}
