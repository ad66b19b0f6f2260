import { bareStatement, statementHash } from '#core/access/statements.ts';
import type { CustodyError } from '#core/errors.ts';
import { copiesFromClient } from './approvable.ts';
import type { Piece, Sent } from './client-pieces.ts';
import type { FrontendMessage } from './frontend.ts';
import { endsTransaction, type Harmless, harmless } from './harmless.ts';
import { Frontend } from './messages.ts';
import { notApproved } from './not-approved.ts';
import { OWN_NAMES } from './own-questions.ts';
import { PreparedNames } from './prepared-names.ts';
import { cstring, message } from './wire.ts';

const HEADER_BYTES = 5;
/** What a name stands for that may run as often as its client likes. */
const FREE = '';

/** A piece that may pass. */
export interface Passed {
  /** How many approved commands it runs. */
  readonly runs: number;
  /** It reads or runs some, or goes on with one that was bound before: what says how a text is read has to hold. */
  readonly acts: boolean;
  /** Its messages before which that is to be looked at once more, as an approved command of its own ran in between. */
  readonly looks: readonly number[];
  /** These do nothing but end the transaction that is open, or go back in it. */
  readonly ends: boolean;
  /** It goes on: from now on its commands have run, and its names stand for what it says. */
  pass(): void;
}

/**
 * Says of each piece of what a client sends whether it runs nothing but the commands an approval names, each as often as it is
 * named (security case 23), and what a rule lets pass beside them. What it does not understand does not pass.
 * https://www.postgresql.org/docs/current/protocol-flow.html
 */
export class StatementGate {
  /** How often each may still run. */
  #left: ReadonlyMap<string, number>;
  #prepared = new PreparedNames();
  /** Of those that were seen: the ones that end a transaction. */
  readonly #ending = new Set<string>();
  readonly #beside: readonly Harmless[];

  /** `allowed`: hashes after `statementHash`; one that is there twice may run twice. `beside`: what else may pass. */
  constructor(allowed: readonly string[], beside: readonly Harmless[] = []) {
    const left = new Map<string, number>();
    for (const hash of allowed) left.set(hash, (left.get(hash) ?? 0) + 1);
    this.#left = left;
    // A client that could not undo what failed would have to go: the same, but ruder.
    this.#beside = [...beside, 'undo'];
  }

  /** Throws `not-approved` when something in the piece may not pass; then nothing of it has been taken into account. */
  judge({ messages, problem }: Piece): Passed {
    if (problem !== undefined) throw problem;
    const look = new Look(new Map(this.#left), this.#prepared.copy(), this.#ending, this.#beside);
    for (const [at, sent] of messages.entries()) look.check(sent, at);
    const pass = (): void => {
      this.#left = look.left;
      this.#prepared = look.prepared;
    };
    const { runs, acts, looks, ends } = look;
    return { runs, acts, looks, ends, pass };
  }
}

/** What would be, should a piece pass. */
class Look {
  runs = 0;
  acts = false;
  ends = true;
  readonly looks: number[] = [];
  /** An approved command ran since the last look: a function in it may have changed a setting. */
  #ran = false;
  /** What the piece's own portals run. */
  readonly #portals = new Map<string, string>();
  readonly left: Map<string, number>;
  readonly prepared: PreparedNames;
  readonly #ending: Set<string>;
  readonly #beside: readonly Harmless[];

  constructor(
    left: Map<string, number>,
    prepared: PreparedNames,
    ending: Set<string>,
    beside: readonly Harmless[],
  ) {
    this.left = left;
    this.prepared = prepared;
    this.#ending = ending;
    this.#beside = beside;
  }

  check({ message: sent, whole }: Sent, at: number): void {
    switch (sent.kind) {
      case 'query':
        requireSame(whole, message(Frontend.query, cstring(sent.text)));
        return this.#run(sent.text);
      case 'parse':
        return this.#prepare(sent, whole, at);
      case 'bind':
        return this.#bind(sent, at);
      case 'execute':
        return this.#execute(sent.portal, at);
      case 'sync':
        return this.prepared.sync();
      case 'describe':
      case 'close':
      case 'flush':
        return undefined;
      default:
        throw notApproved('a message', 'only queries can be approved');
    }
  }

  #run(text: string): void {
    const hash = this.#hashOf(text);
    if (hash !== FREE) this.#use(hash);
    this.acts ||= hash !== FREE;
    this.prepared.heed(text);
  }

  /** Running is counted when parameters are bound: a statement that is only prepared has not run, but it has been read. */
  #prepare(
    { statement, text, types }: Extract<FrontendMessage, { kind: 'parse' }>,
    whole: Uint8Array,
    at: number,
  ): void {
    requireSame(whole.subarray(0, whole.length - 2 - 4 * types.length), parseStart(whole, statement, text));
    requireClients(statement);
    const hash = this.#hashOf(text);
    this.prepared.heed(text);
    this.prepared.set(statement, hash);
    if (hash === FREE) return;
    this.#lookBefore(at);
    this.ends &&= this.#ending.has(hash);
  }

  #bind({ portal, statement, values }: Extract<FrontendMessage, { kind: 'bind' }>, at: number): void {
    requireClients(portal);
    const hash = this.prepared.get(statement);
    if (values.length > 0)
      throw notApproved('a command with parameters', 'they are not part of what was approved');
    this.#portals.set(portal, hash);
    if (hash === FREE) return;
    this.#lookBefore(at);
    this.#use(hash);
  }

  /** It may be of a portal that was bound long ago. */
  #execute(portal: string, at: number): void {
    if (this.#portals.get(portal) === FREE) return;
    this.#lookBefore(at);
    this.#ran = true;
  }

  #lookBefore(at: number): void {
    this.acts = true;
    if (this.#ran) this.looks.push(at);
    this.#ran = false;
  }

  /** Of a command that may pass. */
  #hashOf(text: string): string {
    // An empty query runs nothing.
    if (bareStatement(text) === '') return FREE;
    const hash = statementHash(text);
    if (this.left.has(hash)) {
      if (endsTransaction(text)) this.#ending.add(hash);
      if (copiesFromClient(text)) throw notApproved('this COPY', 'its data is not part of what was approved');
      return hash;
    }
    const kind = harmless(text);
    if (kind !== undefined && this.#beside.includes(kind)) return FREE;
    throw notNamed(kind);
  }

  #use(hash: string): void {
    const left = this.left.get(hash)!;
    if (left === 0) throw notApproved('this command', 'it has run as often as was approved');
    this.left.set(hash, left - 1);
    this.runs += 1;
    this.ends &&= this.#ending.has(hash);
  }
}

/** The approval is of a text: bytes that only look like it once they are decoded are something else. */
function requireSame(sent: Uint8Array, understood: Uint8Array): void {
  if (!Buffer.from(sent).equals(understood)) throw notApproved('a command', 'its bytes are not plain UTF-8');
}

/** Under such a name the gateway asks, and counts on what that stands for. */
function requireClients(name: string): void {
  if (name.startsWith(OWN_NAMES))
    throw notApproved('a command', `names that begin with "${OWN_NAMES}" are the gateway's own`);
}

/** A Parse message up to its parameter types, with the length it was sent with. */
function parseStart(whole: Uint8Array, statement: string, text: string): Uint8Array {
  return Buffer.concat([whole.subarray(0, HEADER_BYTES), cstring(statement), cstring(text)]);
}

function notNamed(kind: Harmless | undefined): CustodyError {
  const error = notApproved('this command', 'it is not among the commands that were approved');
  if (kind === undefined) return error;
  return notApproved('this command', `it was not approved, and the rule does not have allow: [${kind}]`);
}
