/** The protocols that there are. What each may say in custody.yaml is in `schemas.ts`. */
import type { Target } from '../access/config.ts';
import { kubernetes } from './kubernetes/protocol.ts';
import { postgres } from './postgres/protocol.ts';
import type { ProtocolFacts } from './protocol.ts';
import { ssh } from './ssh/protocol.ts';

export type ProtocolName = Target['protocol'];
export type TargetOf<P extends ProtocolName> = Extract<Target, { readonly protocol: P }>;

const byName: { readonly [P in ProtocolName]: ProtocolFacts<TargetOf<P>> } = {
  postgres,
  ssh,
  kubernetes,
};

/** What is known of a target's protocol. */
export function protocolOf(target: Pick<Target, 'protocol'>): ProtocolFacts<Target> {
  return byName[target.protocol];
}
