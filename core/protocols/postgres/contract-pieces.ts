import { asCustodyError, CustodyError } from '#core/errors.ts';
import { times } from './backend.ts';
import { Frontend } from './messages.ts';
import { Cursor, copyOf, readInt32, violation } from './wire.ts';

const HEADER_BYTES = 5;
/** Of one message, and of all messages up to their Sync; data of a COPY has no bound. */
const PIECE_MAX_BYTES = 256 << 10;
const NONE = new Uint8Array(0);

/** What a client wants answered together; its bytes are views of what was taken, until the call returns. */
export interface ContractPiece {
  /**
   * `query`, `sync`: answered with ReadyForQuery. `flush`: its pipeline goes on behind it. `dropped`: so does that of a piece that
   * cannot pass. `copy`, `copy-end`: what a COPY is given, and its end. `fatal`: what a server, too, would end the session for.
   */
  readonly end: 'query' | 'sync' | 'flush' | 'dropped' | 'copy' | 'copy-end' | 'terminate' | 'fatal';
  readonly messages: readonly ClientMessage[];
  readonly bytes: Uint8Array;
  /** Of `copy`: what is data of `bytes`. */
  readonly data?: Uint8Array;
  /** The client has not asked for its answers yet: the gateway does. */
  readonly isPart?: true;
  /** Why it cannot pass, whatever the contract says. */
  readonly problem?: CustodyError;
}

/** What of a message matters to a contract. Texts as bytes: whoever sees commands in them says what they are. */
export type ClientMessage =
  | { readonly kind: 'query'; readonly text: Uint8Array }
  | {
      readonly kind: 'parse';
      readonly name: string;
      readonly text: Uint8Array;
      readonly oids: readonly number[];
    }
  | {
      readonly kind: 'bind';
      readonly portal: string;
      readonly name: string;
      readonly formats: readonly number[];
      readonly values: readonly (Uint8Array | null)[];
    }
  | { readonly kind: 'describe' | 'close'; readonly isPortal: boolean; readonly name: string }
  | { readonly kind: 'execute'; readonly portal: string }
  | { readonly kind: 'sync' | 'flush' };

/**
 * Cuts what a client sends as `ClientPieces` does, for a session whose commands may have values and may be a COPY. Copies nothing as
 * long as pieces are whole. https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-COPY
 */
export class ContractPieces {
  /** The beginning of a piece, of which the first `#scanned` bytes are in `#messages` already. */
  #held: Uint8Array = NONE;
  #fill = 0;
  #scanned = 0;
  #messages: ClientMessage[] = [];
  /** Bytes of a message that are still to come: of data, or of what is passed over. */
  #skip = 0;
  #skipping: 'data' | 'nothing' = 'nothing';
  /** There are messages since the last Sync. */
  #open = false;
  #dropping = false;
  #over = false;

  /** Gives each piece that is whole with these bytes; none after one that is fatal. */
  take(bytes: Uint8Array, give: (piece: ContractPiece) => void): void {
    if (this.#over) return;
    try {
      this.#scan(this.#fill === 0 ? bytes : this.#withHeld(bytes), give);
    } catch (error) {
      this.#over = true;
      give({ end: 'fatal', messages: [], bytes: NONE, problem: asCustodyError(error) });
    }
  }

  #withHeld(bytes: Uint8Array): Uint8Array {
    const length = this.#fill + bytes.length;
    if (length > this.#held.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#held.length));
      grown.set(this.#held.subarray(0, this.#fill));
      this.#held = grown;
    }
    this.#held.set(bytes, this.#fill);
    return this.#held.subarray(0, length);
  }

  #scan(bytes: Uint8Array, give: (piece: ContractPiece) => void): void {
    let start = 0;
    let at = this.#scanned;
    if (this.#skip > 0) start = at = this.#skipOver(bytes, at, give);
    while (at + HEADER_BYTES <= bytes.length) {
      const type = bytes[at]!;
      const length = readInt32(bytes, at + 1);
      if (length < 4) throw violation('invalid message length');
      const end = at + 1 + length;
      if (COPYING[type] !== undefined) {
        // A server takes what came before it as it comes.
        if (at > start) this.#close('flush', bytes.subarray(start, at), give);
        if (type !== Frontend.copyData && end > bytes.length) {
          if (length > PIECE_MAX_BYTES) throw violation('a COPY ends at length');
          start = at;
          break;
        }
        start = at = this.#copied(type, bytes, at, end, give);
        continue;
      }
      if (length > PIECE_MAX_BYTES) {
        this.#unfit(type, tooLong(), give);
        this.#skip = end - at;
        this.#skipping = 'nothing';
        start = at = this.#skipOver(bytes, at, give);
        continue;
      }
      if (end > bytes.length) break;
      if (this.#message({ bytes, start, at, end }, give)) start = end;
      at = end;
    }
    this.#keep(bytes, start, at);
  }

  /** The rest of a message that is not kept. */
  #skipOver(bytes: Uint8Array, at: number, give: (piece: ContractPiece) => void): number {
    const end = Math.min(bytes.length, at + this.#skip);
    this.#skip -= end - at;
    const part = bytes.subarray(at, end);
    if (this.#skipping === 'data' && part.length > 0)
      give({ end: 'copy', messages: [], bytes: part, data: part });
    return end;
  }

  #copied(
    type: number,
    bytes: Uint8Array,
    at: number,
    end: number,
    give: (piece: ContractPiece) => void,
  ): number {
    const until = Math.min(end, bytes.length);
    const part = bytes.subarray(at, until);
    if (type !== Frontend.copyData) {
      give({ end: 'copy-end', messages: [], bytes: part });
      return until;
    }
    this.#skip = end - until;
    this.#skipping = 'data';
    give({ end: 'copy', messages: [], bytes: part, data: part.subarray(HEADER_BYTES) });
    return until;
  }

  /** What is not whole waits for the rest, as a copy: of the messages in it nothing but the bytes is kept. */
  #keep(bytes: Uint8Array, start: number, at: number): void {
    this.#fill = bytes.length - start;
    this.#scanned = at - start;
    if (this.#fill === 0) return this.#forget();
    const isHeld = bytes.buffer === this.#held.buffer && start === 0;
    if (isHeld) return;
    this.#held = copyOf(bytes.subarray(start));
    // Their values were views of what is not ours.
    this.#messages = [];
    this.#rescan();
  }

  #forget(): void {
    this.#held = NONE;
    this.#fill = this.#scanned = 0;
    this.#messages = [];
  }

  #rescan(): void {
    for (let at = 0; at < this.#scanned; ) {
      const end = at + 1 + readInt32(this.#held, at + 1);
      if (!this.#dropping) this.#messages.push(parsed(this.#held, at, end));
      at = end;
    }
  }

  /** True when the piece is over with it. */
  #message(sent: Sent, give: (piece: ContractPiece) => void): boolean {
    const type = sent.bytes[sent.at]!;
    switch (type) {
      case Frontend.terminate:
        give({ end: 'terminate', messages: [], bytes: pieceOf(sent) });
        return true;
      case Frontend.query:
        if (this.#open) return this.#unfit(type, unreadable('a query in the middle of a pipeline'), give);
        return this.#alone(sent, give);
      case Frontend.functionCall:
        return this.#unfit(type, unreadable('a call of a function past SQL'), give);
      case Frontend.sync:
        this.#messages.push({ kind: 'sync' });
        return this.#close('sync', pieceOf(sent), give);
      case Frontend.flush:
        // There is nothing whose answers it could hurry.
        if (this.#messages.length === 0) return true;
        this.#messages.push({ kind: 'flush' });
        return this.#close('flush', pieceOf(sent), give);
      case Frontend.parse:
      case Frontend.bind:
      case Frontend.describe:
      case Frontend.execute:
      case Frontend.close:
        return this.#hold(sent, give);
      default:
        throw violation('a message that no client sends in a session');
    }
  }

  #alone(sent: Sent, give: (piece: ContractPiece) => void): boolean {
    try {
      give({ end: 'query', messages: [parsed(sent.bytes, sent.at, sent.end)], bytes: pieceOf(sent) });
    } catch (error) {
      if (!(error instanceof CustodyError)) throw error;
      give({ end: 'query', messages: [], bytes: NONE, problem: error });
    }
    return true;
  }

  #hold({ bytes, start, at, end }: Sent, give: (piece: ContractPiece) => void): boolean {
    this.#open = true;
    if (this.#dropping) return true;
    if (end - start > PIECE_MAX_BYTES) return this.#drop(tooLong(), give);
    let message: ClientMessage;
    try {
      message = parsed(bytes, at, end);
    } catch (error) {
      return this.#drop(asCustodyError(error), give);
    }
    this.#messages.push(message);
    return false;
  }

  #close(end: 'sync' | 'flush', bytes: Uint8Array, give: (piece: ContractPiece) => void): boolean {
    const messages = this.#messages;
    this.#messages = [];
    if (end === 'sync') this.#open = this.#dropping = false;
    if (messages.length > 0) give({ end, messages, bytes });
    return true;
  }

  /** One that a pipeline is made of takes the rest of its pipeline with it. */
  #unfit(type: number, problem: CustodyError, give: (piece: ContractPiece) => void): boolean {
    const isAlone = type === Frontend.query || type === Frontend.functionCall;
    if (!isAlone || this.#open) {
      this.#open = true;
      return this.#drop(problem, give);
    }
    give({ end: 'query', messages: [], bytes: NONE, problem });
    return true;
  }

  #drop(problem: CustodyError, give: (piece: ContractPiece) => void): boolean {
    this.#messages = [];
    if (!this.#dropping) give({ end: 'dropped', messages: [], bytes: NONE, problem });
    this.#dropping = true;
    return true;
  }
}

/** The same piece, in memory of its own: for one that has to wait. */
export function kept(piece: ContractPiece): ContractPiece {
  const { end, problem, data } = piece;
  const bytes = copyOf(piece.bytes);
  if (data !== undefined)
    return { end, messages: [], bytes, data: bytes.subarray(bytes.length - data.length) };
  if (piece.messages.length === 0) return { ...piece, bytes };
  const messages: ClientMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + readInt32(bytes, at + 1);
    messages.push(parsed(bytes, at, next));
    at = next;
  }
  return { end, messages, bytes, ...(problem === undefined ? {} : { problem }) };
}

/** A pipeline in two: up to the message of this index, and what is behind it. `piece`: in memory of its own. */
export function partsOf(piece: ContractPiece, cut: number): readonly [ContractPiece, ContractPiece] {
  const { bytes, messages } = piece;
  let at = 0;
  for (let left = cut; left >= 0; left -= 1) at += 1 + readInt32(bytes, at + 1);
  const [first, rest] = [messages.slice(0, cut + 1), messages.slice(cut + 1)];
  return [
    { end: 'flush', messages: first, bytes: bytes.subarray(0, at), isPart: true },
    { ...piece, messages: rest, bytes: bytes.subarray(at) },
  ];
}

const COPYING: Readonly<Record<number, true>> = {
  [Frontend.copyData]: true,
  [Frontend.copyDone]: true,
  [Frontend.copyFail]: true,
};

/** A message that is whole, and where the piece that it belongs to begins. */
interface Sent {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly at: number;
  readonly end: number;
}

function pieceOf({ bytes, start, end }: Sent): Uint8Array {
  return bytes.subarray(start, end);
}

/** Throws `protocol-violation` for a body that has not the message's shape. */
function parsed(bytes: Uint8Array, at: number, end: number): ClientMessage {
  const body = new Cursor(bytes, at + HEADER_BYTES, end);
  const message = parse(bytes[at]!, body);
  body.end();
  return message;
}

function parse(type: number, body: Cursor): ClientMessage {
  switch (type) {
    case Frontend.query:
      return { kind: 'query', text: body.stringBytes() };
    case Frontend.parse:
      return {
        kind: 'parse',
        name: body.string(),
        text: body.stringBytes(),
        oids: times(body.count(), () => body.uint32()),
      };
    case Frontend.bind:
      return parseBind(body);
    case Frontend.execute: {
      const portal = body.string();
      body.int32();
      return { kind: 'execute', portal };
    }
    case Frontend.describe:
      return { kind: 'describe', ...parseNamed(body) };
    case Frontend.close:
      return { kind: 'close', ...parseNamed(body) };
    default:
      return { kind: type === Frontend.sync ? 'sync' : 'flush' };
  }
}

function parseBind(body: Cursor): ClientMessage {
  const portal = body.string();
  const name = body.string();
  const formats = times(body.count(), () => body.int16());
  const values = times(body.count(), () => body.value());
  for (let left = body.count(); left > 0; left -= 1) body.int16();
  return { kind: 'bind', portal, name, formats, values };
}

function parseNamed(body: Cursor): { isPortal: boolean; name: string } {
  const what = body.byte();
  if (what !== 0x50 && what !== 0x53) throw violation('neither a statement nor a portal is named');
  return { isPortal: what === 0x50, name: body.string() };
}

function unreadable(what: string): CustodyError {
  return new CustodyError('contract-deviation', `${what} does not pass: no contract can have one`);
}

function tooLong(): CustodyError {
  return unreadable('what is longer than 256 KiB');
}
