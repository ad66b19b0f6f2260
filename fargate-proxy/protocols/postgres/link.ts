import type { Socket } from 'node:net';
import { CustodyError } from '#core/errors.ts';
import { MessageBoundary } from '#core/protocols/postgres/boundary.ts';
import { Backend, Frontend } from '#core/protocols/postgres/messages.ts';
import { errorResponseFor } from '#core/protocols/postgres/sqlstate.ts';
import { type CloseReason, Stream } from '#core/recording/format.ts';
import type { Link } from '../../protocol.ts';
import type { SessionTape } from '../../recorder/tapes.ts';
import { Relay } from '../../relay.ts';
import type { RawEnd } from '../../wire/raw-end.ts';
import type { RelayMemory } from '../../wire/relay-memory.ts';
import type { GateTerms, SessionGate } from './gate-terms.ts';

/** How long an ending session waits for the message in progress, so that the client can read why it ended. */
const BOUNDARY_WAIT_MS = 250;

export interface LinkParts {
  readonly client: RawEnd;
  readonly target: RawEnd;
  readonly tape: SessionTape;
  readonly memory: RelayMemory;
  /** Where not everything may pass. */
  readonly gated?: GateTerms | undefined;
  /** Bytes that arrived with the end of the logins. */
  readonly clientRest: Uint8Array;
  readonly targetRest: Uint8Array;
  /** Stops what the session runs at the target. */
  readonly cancelQuery: () => Promise<void>;
  /** The session is over: its cancel key means nothing any more. */
  readonly release: () => void;
}

interface Ended {
  readonly reason: CloseReason;
  readonly detail?: string;
}

/** A PostgreSQL client and target, each past its login. */
export class PostgresLink implements Link {
  readonly #parts: LinkParts;
  readonly #relay: Relay;
  #gate: SessionGate | undefined;
  readonly #toClient = new MessageBoundary();
  readonly #fromClient = new MessageBoundary();
  readonly #done = Promise.withResolvers<Ended>();
  #ending: { readonly reason: CloseReason; readonly error: CustodyError } | undefined;
  #boundaryWait: NodeJS.Timeout | undefined;
  #over = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    const { gated, tape } = parts;
    this.#relay = new Relay({
      ...parts,
      gate:
        gated &&
        ((hands) =>
          (this.#gate = gated.gate({
            ...hands,
            note: (fact) => tape.note(fact),
            end: (reason, error) => this.end(reason, error),
          }))),
      onClientBytes: (bytes, length) => this.#fromClient.advance(bytes, length),
      onTargetBytes: (bytes, length) => this.#targetSaid(bytes, length),
      onEnd: (side) => (side === 'client' ? this.#clientEnded() : this.#targetEnded()),
    });
  }

  get target(): Socket {
    return this.#parts.target.socket;
  }

  relay(): Promise<Ended> {
    if (!this.#over) {
      const { clientRest, targetRest } = this.#parts;
      this.#relay.start(clientRest, targetRest);
    }
    return this.#done.promise;
  }

  /**
   * Waits for the message in progress: an error in the middle of a row would only be read as part of the row. Not when the
   * recording has failed: the rest of the row would go unrecorded.
   */
  end(reason: CloseReason, error: CustodyError): void {
    if (this.#ending !== undefined || this.#over) return;
    this.#ending = { reason, error };
    this.#relay.muteClient();
    if (this.#toClient.atBoundary || reason === 'recording-failed') return this.#tellAndFinish();
    this.#boundaryWait = setTimeout(() => this.#tellAndFinish(), BOUNDARY_WAIT_MS);
  }

  /** Stops what the session runs, or what it waits for before it runs. */
  async cancel(): Promise<void> {
    if (this.#gate?.cancel?.() !== true) await this.#parts.cancelQuery();
  }

  #targetSaid(bytes: Uint8Array, length: number): void {
    this.#toClient.advance(bytes, length);
    if (this.#ending !== undefined && this.#toClient.atBoundary) this.#tellAndFinish();
  }

  #clientEnded(): void {
    if (this.#ending !== undefined) return this.#finish(this.#ending);
    this.#finish({ reason: this.#clientSaidGoodbye ? 'client-closed' : 'client-lost' });
  }

  get #clientSaidGoodbye(): boolean {
    return this.#fromClient.lastType === Frontend.terminate && this.#fromClient.atBoundary;
  }

  /**
   * A target that says goodbye has said why; for one that vanishes the gateway says it. One that closes as the client's
   * Terminate asked it to has not vanished: it may be faster than the client's own close.
   */
  #targetEnded(): void {
    if (this.#over) return;
    const saidWhy = this.#toClient.lastType === Backend.errorResponse && this.#toClient.atBoundary;
    if (this.#ending !== undefined) return this.#tellAndFinish();
    if (this.#clientSaidGoodbye) return this.#finish({ reason: 'client-closed' });
    if (saidWhy) return this.#finish({ reason: 'target-closed' });
    this.#tell(
      new CustodyError('target-lost', 'the target closed the connection unexpectedly', {
        hint: 'the gateway is up; the target may have crashed or restarted: connect again',
      }),
    );
    this.#finish({ reason: 'target-lost' });
  }

  #tellAndFinish(): void {
    const { reason, error } = this.#ending!;
    if (this.#toClient.atBoundary) this.#tell(error);
    this.#finish({ reason, detail: error.detail ?? error.message });
  }

  #tell(error: CustodyError): void {
    if (!this.#toClient.atBoundary || this.#over) return;
    const message = errorResponseFor(error);
    this.#parts.tape.record(Stream.gateway, message, message.byteLength);
    this.#parts.client.send(message);
  }

  #finish(ended: Ended): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#boundaryWait);
    this.#relay.stop();
    this.#parts.release();
    this.#parts.client.close();
    void this.#leaveTarget(ended.reason);
    this.#done.resolve(ended);
  }

  /** A backend notices a closed connection only when it next writes: what still runs is cancelled first. */
  async #leaveTarget(reason: CloseReason): Promise<void> {
    const { target, cancelQuery } = this.#parts;
    if (reason === 'client-closed' || reason === 'target-closed' || reason === 'target-lost')
      return target.close();
    await cancelQuery().catch(() => undefined);
    target.destroy();
  }
}
