import type { Asking } from './asking.ts';
import type { NamedCluster } from './named-cluster.ts';
import type { SiftedHead } from './sifted-head.ts';

/** A request with a credential, for a cluster. */
export interface Knock {
  readonly asking: Asking;
  readonly head: SiftedHead;
  readonly cluster: NamedCluster;
  readonly token: string;
}
