import type { CustodyError } from '#core/errors.ts';
import type { Harmless } from '#core/protocols/postgres/harmless.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { Gate, RelayHands } from '../../relay.ts';

/** What a session goes by in which not everything may pass. */
export interface GateTerms {
  /** In the words of whoever is told that something does not: "this grant is for exact commands". */
  readonly what: string;
  /** What has to hold for a text to mean what it says. */
  readonly settings: ReadonlyMap<string, string>;
  /** What passes beside the commands. */
  readonly beside: readonly Harmless[];
  /** Whether a client may ask for a setting at its start. */
  readonly allowsSetting?: (name: string, value: string) => boolean;
  /** Called once, for the one session. */
  readonly gate: (hands: GateHands) => SessionGate;
}

export interface GateHands extends RelayHands {
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void;
  end(reason: CloseReason, error: CustodyError): void;
}

export interface SessionGate extends Gate {
  /** The client wants what it waits for to end. True where that is not at the target. */
  cancel?(): boolean;
}
