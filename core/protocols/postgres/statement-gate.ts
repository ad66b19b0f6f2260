import { bareStatement, statementHash } from '#core/access/statements.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { type FrontendMessage, parseFrontend } from './frontend.ts';
import { Frontend } from './messages.ts';
import { PreparedNames } from './prepared-names.ts';
import { notApproved, shown } from './not-approved.ts';
import { cstring, message, readInt32 } from './wire.ts';

const HEADER_BYTES = 5;
/** Four times what an approval may name in all. */
const MESSAGE_MAX_BYTES = 256 << 10;

export interface Passed {
  /** Whole messages, in the client's order. */
  readonly forward: Uint8Array;
  /** Why the message after them does not pass; nothing passes from then on. */
  readonly refused?: CustodyError;
}

/**
 * Lets a client's messages through that run nothing but the commands an approval names, each as often as it is named
 * (security case 23). What it does not understand does not pass.
 * https://www.postgresql.org/docs/current/protocol-flow.html
 */
export class StatementGate {
  /** How often each may still run. */
  readonly #left = new Map<string, number>();
  readonly #prepared = new PreparedNames();
  #kept: Uint8Array = new Uint8Array(0);
  #refused: CustodyError | undefined;

  /** `allowed`: hashes after `statementHash`; one that is there twice may run twice. */
  constructor(allowed: readonly string[]) {
    for (const hash of allowed) this.#left.set(hash, (this.#left.get(hash) ?? 0) + 1);
  }

  /** Takes what the client sent after its login, in any pieces; keeps the beginning of a message until the rest is there. */
  take(bytes: Uint8Array): Passed {
    if (this.#refused !== undefined) return { forward: new Uint8Array(0), refused: this.#refused };
    const all = this.#kept.length === 0 ? Uint8Array.from(bytes) : Buffer.concat([this.#kept, bytes]);
    const at = this.#passedUntil(all);
    this.#kept = this.#refused === undefined ? all.slice(at) : new Uint8Array(0);
    const forward = all.subarray(0, at);
    return this.#refused === undefined ? { forward } : { forward, refused: this.#refused };
  }

  #passedUntil(all: Uint8Array): number {
    let at = 0;
    try {
      for (let end = messageEnd(all, at); end !== undefined; end = messageEnd(all, at)) {
        this.#check(all[at]!, all.subarray(at, end));
        at = end;
      }
    } catch (error) {
      this.#refused = asCustodyError(error);
    }
    return at;
  }

  #check(type: number, whole: Uint8Array): void {
    const sent = parseFrontend(type, whole.subarray(HEADER_BYTES));
    switch (sent.kind) {
      case 'query':
        requireSame(whole, message(Frontend.query, cstring(sent.text)));
        return this.#run(sent.text);
      case 'parse':
        return this.#prepare(sent, whole);
      case 'bind':
        return this.#bind(sent);
      case 'describe':
      case 'close':
      case 'execute':
      case 'flush':
      case 'copy-done':
      case 'copy-fail':
      case 'terminate':
        return undefined;
      case 'sync':
        return this.#prepared.sync();
      case 'copy-data':
        throw notApproved('data that is copied in', 'it is not part of what was approved');
      case 'function-call':
      case 'password':
      case 'unknown':
        throw notApproved('a message', 'only queries can be approved');
    }
  }

  #run(text: string): void {
    // An empty query runs nothing.
    if (bareStatement(text) === '') return;
    this.#use(statementHash(text), text);
    this.#prepared.heed(text);
  }

  /** Running is counted when parameters are bound: a statement that is only prepared has not run. */
  #prepare({ statement, text, types }: Extract<FrontendMessage, { kind: 'parse' }>, whole: Uint8Array): void {
    requireSame(whole.subarray(0, whole.length - 2 - 4 * types.length), parseStart(whole, statement, text));
    const hash = statementHash(text);
    if (bareStatement(text) !== '' && !this.#left.has(hash)) throw notNamed(text);
    this.#prepared.heed(text);
    this.#prepared.set(statement, bareStatement(text) === '' ? '' : hash);
  }

  #bind({ statement, values }: Extract<FrontendMessage, { kind: 'bind' }>): void {
    const hash = this.#prepared.get(statement);
    if (values.length > 0) throw notApproved('parameters', 'they are not part of what was approved');
    if (hash !== '') this.#use(hash, statement);
  }

  #use(hash: string, what: string): void {
    const left = this.#left.get(hash);
    if (left === undefined) throw notNamed(what);
    if (left === 0) throw notApproved(`"${shown(what)}"`, 'it has run as often as was approved');
    this.#left.set(hash, left - 1);
  }
}

/** Where the message that begins at `at` ends; undefined while it is not whole. Never believes a length beyond the bound. */
function messageEnd(all: Uint8Array, at: number): number | undefined {
  if (all.length - at < HEADER_BYTES) return undefined;
  const length = readInt32(all, at + 1);
  if (length < 4 || length > MESSAGE_MAX_BYTES)
    throw notApproved('a message', 'its length is beyond what can be approved');
  const end = at + 1 + length;
  return end <= all.length ? end : undefined;
}

/** The approval is of a text: bytes that only look like it once they are decoded are something else. */
function requireSame(sent: Uint8Array, understood: Uint8Array): void {
  if (!Buffer.from(sent).equals(understood)) throw notApproved('a command', 'its bytes are not plain UTF-8');
}

/** A Parse message up to its parameter types, with the length it was sent with. */
function parseStart(whole: Uint8Array, statement: string, text: string): Uint8Array {
  return Buffer.concat([whole.subarray(0, HEADER_BYTES), cstring(statement), cstring(text)]);
}

function notNamed(text: string): CustodyError {
  return notApproved(`"${shown(text)}"`, 'it is not among the commands that were approved');
}
