/** A connection of the rerun, as far as it has to be understood while it runs. */
import { CustodyError } from '#core/errors.ts';
import { parseBackend } from '#core/protocols/postgres/backend.ts';
import { passwordMessage } from '#core/protocols/postgres/frontend.ts';
import { Backend, MessageReader } from '#core/protocols/postgres/messages.ts';
import { encodeCancelRequest } from '#core/protocols/postgres/startup.ts';
import type { Login } from './startup.ts';

/** Bytes to and from a target's gateway. */
export interface Wire {
  /** Resolves when there is room for more. It never throws: what is lost is told by `closed`. */
  send(bytes: Uint8Array): Promise<void>;
  /** On a connection of its own; resolves when it was taken. */
  cancel(request: Uint8Array): Promise<void>;
  /** What was sent still goes out. */
  end(): void;
}

export interface WireEvents {
  received(bytes: Uint8Array): void;
  closed(why: string | undefined): void;
}

/** Opens a connection inside TLS. Rejects with `target-unreachable`. */
export type OpenWire = (events: WireEvents) => Promise<Wire>;

const KEPT_MAX = 64 << 10;

export class Live {
  wire: Wire | undefined;
  isClosed = false;
  why: string | undefined;
  status = 'I';
  /** As they were told last. */
  readonly settings = new Map<string, string>();
  /** All bytes, when somebody else has taken over. */
  relayTo: ((bytes: Uint8Array) => void) | undefined;
  key: { readonly processId: number; readonly secret: Uint8Array } | undefined;
  readonly #reader = new MessageReader(KEPT_MAX);
  readonly #login: Login;
  readonly #heard: (bytes: Uint8Array) => void;
  #waiting: (() => void)[] = [];

  /** `heard` is given all that the server says, in order. */
  constructor(login: Login, heard: (bytes: Uint8Array) => void) {
    this.#login = login;
    this.#heard = heard;
  }

  async open(open: OpenWire, startup: Uint8Array): Promise<void> {
    this.wire = await open({
      received: (bytes) => this.#received(bytes),
      closed: (why) => this.#closed(why),
    });
    await this.wire.send(startup);
  }

  /** Something came, or the connection is closed. */
  changed(): Promise<void> {
    return new Promise((done) => this.#waiting.push(done));
  }

  async cancel(): Promise<void> {
    if (this.key !== undefined)
      await this.wire?.cancel(encodeCancelRequest(this.key.processId, this.key.secret));
  }

  #received(bytes: Uint8Array): void {
    if (this.relayTo !== undefined) {
      this.relayTo(bytes);
      return;
    }
    this.#heard(bytes);
    this.#look(bytes);
    this.#tell();
  }

  #look(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    for (const message of this.#reader) {
      if (message.truncated || !LOOKED_AT.has(message.type)) continue;
      const said = parseBackend(message.type, message.body);
      if (said.kind === 'authentication-cleartext')
        void this.wire?.send(passwordMessage(this.#login.password));
      else if (said.kind === 'parameter-status') this.settings.set(said.name, said.value);
      else if (said.kind === 'backend-key-data')
        this.key = { processId: said.processId, secret: Uint8Array.from(said.secret) };
      else if (said.kind === 'ready-for-query') this.status = said.status;
    }
  }

  #closed(why: string | undefined): void {
    this.isClosed = true;
    this.why = why;
    this.#tell();
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done();
  }
}

const LOOKED_AT: ReadonlySet<number> = new Set([
  Backend.authentication,
  Backend.parameterStatus,
  Backend.backendKeyData,
  Backend.readyForQuery,
]);

export function notConnected(why: string): CustodyError {
  return new CustodyError('target-unreachable', `the sandbox cannot be reached: ${why}`);
}
