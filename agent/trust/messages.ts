import type { DsseEnvelope } from '../../contract/trust/dsse.ts'

/** What the agent says to the process that checks trust roots. */
export type ToTrustChild = { paths: { trust: string; authorityBefore: string }; roots: DsseEnvelope[] }

/** What came of it: the version that is pinned now (null: the pinned root could not be read), and what was refused. */
export type FromTrustChild = {
  version: number | null
  refused: { code: string; message: string } | null
}
