import { suiteNeeding } from '../../support/servers.ts'
import { debianCluster } from './clusters.ts'
import { recordsContract } from './contract.ts'

suiteNeeding(['postgres'], "records on Debian's PostgreSQL, owned by no superuser", ({ postgres }) =>
  recordsContract(() => debianCluster(postgres)),
)
