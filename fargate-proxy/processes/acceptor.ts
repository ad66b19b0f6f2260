import type { Socket } from 'node:net';
import { networkOf } from '#core/identity/token-failures.ts';
import type { Entry } from '../entries.ts';
import { type Candidate, emptiest, ownOf } from './choice.ts';

/** Sockets that no process has taken yet; beyond them the one goes that has waited for the longest, as at the door of a process. */
const WAITING_MAX = 512;
/** How often it is looked whether somebody has waited for too long, or a process is stuck. */
const LOOK_EVERY_MS = 100;

/** A process that takes sockets. */
export interface Taker extends Candidate {
  take(door: string, socket: Socket): void;
}

export interface AcceptorPorts {
  /** How many processes there are to be. */
  readonly of: number;
  /** Those that take sockets now. */
  readonly takers: () => readonly Taker[];
  /** How long a socket may wait for one, milliseconds. */
  readonly patienceMs: number;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Calls it again and again. */
  readonly every: (ms: number, work: () => void) => void;
  /** Somebody was sent away: nobody took it. */
  readonly onPushedOut: (client: string) => void;
}

interface Waiting {
  readonly entry: Entry;
  readonly socket: Socket;
  readonly client: string;
  readonly address: string;
  readonly since: number;
}

/** Gives each socket to a process, unread. What no process takes waits here: so many, and so long. */
export class Acceptor {
  readonly #ports: AcceptorPorts;
  #waiting: Waiting[] = [];

  constructor(ports: AcceptorPorts) {
    this.#ports = ports;
    ports.every(LOOK_EVERY_MS, () => this.#look());
  }

  /** How many wait for a process. */
  get waiting(): number {
    return this.#waiting.length;
  }

  readonly serve = (entry: Entry, socket: Socket): void => {
    const { remoteAddress, remotePort } = socket;
    const client = `${remoteAddress}:${remotePort}`;
    const address = networkOf(remoteAddress);
    this.#waiting.push({ entry, socket, client, address, since: this.#ports.now() });
    if (this.#waiting.length > WAITING_MAX) this.#pushOut(this.#waiting.shift()!);
    this.handOn();
  };

  /** To be called whenever a process may take again. */
  readonly handOn = (): void => {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !this.#given(waiting));
  };

  /** Whom nobody took is not let in any more. */
  close(): void {
    for (const waiting of this.#waiting.splice(0)) this.#pushOut(waiting);
  }

  #given({ entry, socket, address }: Waiting): boolean {
    const { takers, of } = this.#ports;
    const taker = entry.together ? ownOf(takers(), address, of) : emptiest(takers());
    taker?.take(entry.name, socket);
    return taker !== undefined;
  }

  #look(): void {
    const latest = this.#ports.now() - this.#ports.patienceMs;
    while (this.#waiting.length > 0 && this.#waiting[0]!.since < latest)
      this.#pushOut(this.#waiting.shift()!);
    this.handOn();
  }

  #pushOut({ socket, client }: Waiting): void {
    socket.resetAndDestroy();
    this.#ports.onPushedOut(client);
  }
}
