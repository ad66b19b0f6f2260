import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { type FrontendMessage, parseFrontend } from './frontend.ts';
import { Frontend, MessageReader, type WholeMessage } from './messages.ts';
import { notApproved } from './not-approved.ts';
import { concat, message } from './wire.ts';

/** Four times what an approval may name in all; of one message, and of all messages up to their Sync. */
const PIECE_MAX_BYTES = 256 << 10;

/** What a client wants answered together. */
export interface Piece {
  /**
   * `query`: answered by itself, with ReadyForQuery. `sync`: up to a Sync, likewise. `flush`: its pipeline goes on behind
   * it. `dropped`: so does that of a piece that cannot pass. `terminate`: the goodbye. `fatal`: what a server, too, would end
   * the session for.
   */
  readonly end: 'query' | 'sync' | 'flush' | 'dropped' | 'terminate' | 'fatal';
  readonly messages: readonly Sent[];
  /** All of it as it was sent. */
  readonly bytes: Uint8Array;
  /** Why it cannot pass, whatever was approved. */
  readonly problem?: CustodyError;
}

export interface Sent {
  readonly message: FrontendMessage;
  /** With its header. */
  readonly whole: Uint8Array;
}

/**
 * Cuts what a client sends into pieces that pass or do not pass as one: what a pipeline does is undone as a whole when one of its
 * commands fails, so none of it goes on before all of it was looked at. Keeps at most one piece's bytes.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export class ClientPieces {
  readonly #reader = new MessageReader(PIECE_MAX_BYTES);
  #held: Sent[] = [];
  #heldBytes = 0;
  /** There are messages since the last Sync. */
  #open = false;
  /** The rest of a pipeline whose beginning cannot pass. */
  #dropping = false;
  #over = false;

  /** The pieces that are whole with these bytes; none after one that is fatal. */
  take(bytes: Uint8Array): Piece[] {
    const found: Piece[] = [];
    if (this.#over) return found;
    this.#reader.push(bytes);
    try {
      for (const wire of this.#reader) {
        const piece = wire.truncated ? this.#unfit(wire.type, tooLong()) : this.#add(wire);
        if (piece !== undefined) found.push(piece);
      }
    } catch (error) {
      this.#over = true;
      found.push({ end: 'fatal', messages: [], bytes: new Uint8Array(0), problem: asCustodyError(error) });
    }
    return found;
  }

  #add(wire: WholeMessage): Piece | undefined {
    const whole = message(wire.type, wire.body);
    const sent = parsed(wire);
    if (sent instanceof Error) return this.#unfit(wire.type, sent);
    switch (sent.kind) {
      case 'query':
        return this.#alone({ message: sent, whole });
      case 'function-call':
        return this.#unfit(wire.type, notApproved('a function call', 'only queries can be approved'));
      case 'copy-data':
      case 'copy-done':
      case 'copy-fail':
        // No COPY takes data here: the server, too, lets pass what is left of one that has failed.
        return undefined;
      case 'password':
      case 'unknown':
        throw notApproved('a message', 'it is none that a client sends in a session');
      case 'terminate':
        return { end: 'terminate', messages: [], bytes: whole };
      case 'sync':
      case 'flush':
        return this.#ended(sent.kind, { message: sent, whole });
      case 'parse':
      case 'bind':
      case 'describe':
      case 'execute':
      case 'close':
        return this.#hold({ message: sent, whole });
    }
  }

  #alone(sent: Sent): Piece | undefined {
    if (!this.#open) return { end: 'query', messages: [sent], bytes: sent.whole };
    return this.#drop(notApproved('a query in the middle of a pipeline', 'send a Sync before it'));
  }

  #hold(sent: Sent): Piece | undefined {
    this.#open = true;
    if (this.#dropping) return undefined;
    this.#heldBytes += sent.whole.length;
    this.#held.push(sent);
    return this.#heldBytes > PIECE_MAX_BYTES ? this.#drop(tooLong()) : undefined;
  }

  #ended(end: 'sync' | 'flush', sent: Sent): Piece | undefined {
    // There is nothing whose answers it could hurry.
    if (end === 'flush' && this.#held.length === 0) return undefined;
    const messages = [...this.#held, sent];
    this.#forget();
    if (end === 'sync') this.#open = this.#dropping = false;
    return { end, messages, bytes: concat(messages.map(({ whole }) => whole)) };
  }

  /** A message that cannot pass. One that a pipeline is made of takes the rest of its pipeline with it. */
  #unfit(type: number, problem: CustodyError): Piece | undefined {
    const isAlone = type === Frontend.query || type === Frontend.functionCall;
    if (isAlone && !this.#open) return { end: 'query', messages: [], bytes: new Uint8Array(0), problem };
    if (IGNORED.includes(type)) return undefined;
    this.#open = true;
    return this.#drop(problem);
  }

  #drop(problem: CustodyError): Piece | undefined {
    this.#forget();
    if (this.#dropping) return undefined;
    this.#dropping = true;
    return { end: 'dropped', messages: [], bytes: new Uint8Array(0), problem };
  }

  #forget(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }
}

const IGNORED: readonly number[] = [Frontend.copyData, Frontend.copyDone, Frontend.copyFail];

/** A copy: it waits for what was sent before it. */
function parsed({ type, body }: WholeMessage): FrontendMessage | CustodyError {
  try {
    return parseFrontend(type, body.slice());
  } catch (error) {
    return asCustodyError(error);
  }
}

function tooLong(): CustodyError {
  return notApproved('this', 'it is longer than anything that can be approved');
}
