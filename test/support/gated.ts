import { statementHash } from '#core/access/statements.ts';
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import { ClientPieces, type Piece } from '#core/protocols/postgres/client-pieces.ts';
import type { Harmless } from '#core/protocols/postgres/harmless.ts';
import { StatementGate } from '#core/protocols/postgres/statement-gate.ts';

/** What passes of what a client sends to a target that answers everything, and never with an error. */
export class Gated {
  readonly #pieces = new ClientPieces();
  readonly #gate: StatementGate;
  #skipping = false;
  readonly refusals: CustodyError[] = [];

  constructor(texts: readonly string[], beside: readonly Harmless[] = []) {
    this.#gate = new StatementGate(texts.map(statementHash), beside);
  }

  /** What goes on; `refusals` has why the rest does not. */
  take(bytes: Uint8Array): Buffer {
    return Buffer.concat(this.#pieces.take(Uint8Array.from(bytes)).map((piece) => this.#passed(piece)));
  }

  #passed(piece: Piece): Uint8Array {
    if (this.#skipping && piece.end !== 'fatal') {
      this.#skipping = piece.end !== 'sync';
      return new Uint8Array(0);
    }
    try {
      this.#gate.judge(piece).pass();
      return piece.bytes;
    } catch (error) {
      this.refusals.push(asCustodyError(error));
      this.#skipping = piece.end === 'flush' || piece.end === 'dropped';
      return new Uint8Array(0);
    }
  }
}
