import { describe } from 'vitest'
import { embeddedCluster } from './clusters.ts'
import { recordsContract } from './contract.ts'

describe('records on the embedded PostgreSQL', () => recordsContract(embeddedCluster))
