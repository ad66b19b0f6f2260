import type { CustodyError } from '#core/errors.ts';
import type { Side } from './channel.ts';
import type { Range } from './gated.ts';

/** What a connection does. Payloads stay as they are only until the call returns. */
export interface ConnectionHands {
  /** Puts a message on the tape as it came, but for what is withheld. Before anything that follows from it. */
  record(side: Side, payload: Uint8Array, withheld?: readonly Range[]): void;
  /** Passes a message on, which is recorded already. */
  pass(to: Side, payload: Uint8Array): void;
  /** Says something to the client in the gateway's own name: recorded first. */
  say(payload: Uint8Array): void;
  /** Asks something of the target in the gateway's own name: as with the login, the tape has none of it. */
  ask(payload: Uint8Array): void;
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void;
  /** Makes the grant this session's; asked before the first approved command goes on. */
  claim(): Promise<void>;
  /** The session cannot go on. */
  end(error: CustodyError): void;
  /** `holds` is false again. */
  resumed(): void;
}
