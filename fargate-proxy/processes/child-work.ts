import type { TokenFailures } from '#core/identity/token-failures.ts';
import type { Door, DoorLimits } from '../door.ts';
import type { Gateway } from '../gateway.ts';
import type { Doorway } from '../listener.ts';
import type { Upkept } from '../upkeep.ts';
import type { ChildWork } from './handed.ts';
import type { ChildState } from './messages.ts';
import type { SiblingEars, Siblings } from './siblings.ts';

export interface ChildParts {
  readonly gateway: Gateway;
  readonly doorways: readonly Doorway[];
  readonly door: Door;
  readonly limits: DoorLimits;
  readonly siblings: Siblings;
  readonly keys: { readonly cancelKnown: SiblingEars['cancel'] };
  readonly failures: TokenFailures;
  readonly about: Pick<Upkept, 'sessions' | 'journalLagMs' | 'certificateEnds' | 'tally'>;
  readonly drain: () => void;
}

/** What a gateway does where a parent accepts for it. */
export function childWork(parts: ChildParts): ChildWork {
  const { gateway, door, limits, siblings, keys, failures, about, drain } = parts;
  const protocols = new Map(parts.doorways.map(({ protocol }) => [protocol.name as string, protocol]));
  const ears = { cancel: keys.cancelKnown, guess: failures.heardGuess, proof: failures.heardProof };
  return {
    serve: (name, socket) => gateway.serve(protocols.get(name)!, socket),
    load: () => ({
      here: door.sessions + door.peers,
      sessionsMax: limits.sessions,
      isFull: door.isFull,
    }),
    whenFullOrNot: (say) => door.whenFullOrNot(say),
    state: () => stateOf(about),
    told: (note) => siblings.receive(note, ears),
    drain,
    every: (ms, work) => void setInterval(work, ms).unref(),
  };
}

function stateOf({ sessions, journalLagMs, certificateEnds, tally }: ChildParts['about']): ChildState {
  return {
    sessions: sessions(),
    journalLagMs: journalLagMs(),
    certificateEnds: certificateEnds().getTime(),
    counts: tally.take(),
  };
}
