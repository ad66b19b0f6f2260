/** One recorded session that is run again: what it said, what is said to its rerun, and how far each is. */

import { Frontend } from '#core/protocols/postgres/messages.ts';
import { Budget } from '../../postgres/memory.ts';
import { readRecordedStartup } from '../../postgres/startup.ts';
import type { ReplayFrame } from '../../step.ts';
import { Answers } from './answers.ts';
import type { Rules } from './found.ts';
import { Live, type OpenWire } from './live.ts';
import type { Meanings } from './meaning.ts';
import { MessageCuts, type Piece } from './messages.ts';
import { Side } from './side.ts';
import { type Login, startupOf } from './startup.ts';

/** Rows that are kept to be shown, of all answers that wait to be compared. */
const KEPT_MAX_BYTES = 64 << 20;

export interface Recorded {
  /** The session's id. */
  readonly session: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly frames: AsyncIterable<ReplayFrame>;
}

/** Where a rerun stops. */
export interface Place {
  /** The step, from 1. */
  readonly step: number;
  /** The last of the client's messages that is sent. */
  readonly message: number;
  /** It needs a Sync that the client did not send there. */
  readonly needsSync: boolean;
}

export class Participant implements Recorded {
  readonly session: string;
  readonly startedAt: number;
  readonly frames: AsyncIterable<ReplayFrame>;
  readonly answers: Answers;
  readonly live: Live;
  readonly #recorded: Side;
  readonly #rerun: Side;
  readonly #cuts = new MessageCuts();
  readonly #login: Login;
  readonly #open: OpenWire;
  readonly #place: Place | undefined;
  /** Until they are the startup packet. */
  #startup: Uint8Array | undefined = new Uint8Array(0);
  #sent = 0;
  /** Nothing more is sent: the place is reached, the sandbox is stuck, or it has gone. */
  isOver = false;
  isStopped = false;
  /** When it last sent something: in the recording. */
  sentAt = 0;
  heardBytes = 0;
  /** Sent, as far as it is the recording's own. */
  hasTerminated = false;

  constructor(
    recorded: Recorded,
    login: Login,
    open: OpenWire,
    meanings: Meanings,
    rules: Rules,
    place: Place | undefined,
  ) {
    this.session = recorded.session;
    this.startedAt = recorded.startedAt;
    this.frames = recorded.frames;
    this.#login = login;
    this.#open = open;
    this.#place = place;
    this.answers = new Answers(rules, place?.step);
    const budget = (): Budget => new Budget(KEPT_MAX_BYTES);
    this.#recorded = new Side(meanings, budget(), (answered) => this.answers.recorded(answered));
    this.#rerun = new Side(meanings, budget(), (answered) => this.answers.rerun(answered));
    this.live = new Live(login, (bytes) => {
      this.heardBytes += bytes.length;
      this.#rerun.take('target', bytes, this.#sent);
    });
  }

  /** The server of the recording had come further than that of the rerun. */
  get isBehind(): boolean {
    if (this.live.wire === undefined || this.isOver) return false;
    if (this.#recorded.isLoggedIn && !this.#rerun.isLoggedIn) return true;
    const [was, is] = [this.#recorded.waiting, this.#rerun.waiting];
    if (is.operations !== was.operations) return is.operations > was.operations;
    return was.takesCopy && !is.takesCopy;
  }

  /** What was sent is not all answered. */
  get isAsking(): boolean {
    return this.#rerun.waiting.operations > 0;
  }

  /** All that is sent in the recording up to the place was answered there. */
  get isAnswered(): boolean {
    return this.#recorded.waiting.operations === 0;
  }

  get hasStarted(): boolean {
    return this.live.wire !== undefined;
  }

  /** Steps of the recording so far. */
  get steps(): number {
    return this.#recorded.steps;
  }

  said(stream: 'target' | 'gateway' | 'note', payload: Uint8Array): void {
    this.#recorded.take(stream, payload, this.#sent);
  }

  /** What the client sent, to be sent again. */
  async send(payload: Uint8Array): Promise<void> {
    const rest = this.#startup === undefined ? payload : await this.#begin(payload);
    if (rest === undefined) return;
    const pieces = [...this.#cuts.push(rest)].filter((piece) => this.#counts(piece));
    for (const piece of pieces) this.#feed(piece);
    if (pieces.length > 0) await this.live.wire?.send(Buffer.concat(pieces.map(({ bytes }) => bytes)));
  }

  /** What is not sent any more, and read all the same: it is said how much that is. */
  passOver(payload: Uint8Array): void {
    if (this.#startup !== undefined) return;
    for (const piece of this.#cuts.push(payload)) {
      this.#sent = piece.message;
      if (piece.type !== Frontend.password) this.#recorded.take('client', piece.bytes, piece.message);
    }
  }

  /** A Sync of our own, so that the connection can be taken over. */
  async sync(): Promise<void> {
    const bytes = Uint8Array.of(Frontend.sync, 0, 0, 0, 4);
    this.#rerun.take('client', bytes, ++this.#sent);
    await this.live.wire?.send(bytes);
  }

  /** What was cut off goes out too. */
  async sendRest(): Promise<void> {
    const pieces = [...this.#cuts.rest()];
    for (const piece of pieces) {
      this.#feed(piece);
      await this.live.wire?.send(piece.bytes);
    }
  }

  /** Gives how many steps the rerun did not come to. */
  finish(): number {
    this.#recorded.finish();
    this.#rerun.finish();
    return this.answers.finish();
  }

  /** Passwords are the rerun's own, and were withheld. */
  #counts({ message, type }: Piece): boolean {
    if (type === Frontend.password) return false;
    if (this.#place !== undefined && message > this.#place.message) {
      this.isStopped = true;
      return false;
    }
    return true;
  }

  #feed({ message, type, bytes }: Piece): void {
    this.#sent = message;
    if (type === Frontend.terminate) this.hasTerminated = true;
    this.#recorded.take('client', bytes, message);
    this.#rerun.take('client', bytes, message);
  }

  /** Up to the end of the startup packet; gives what follows it. */
  async #begin(payload: Uint8Array): Promise<Uint8Array | undefined> {
    const bytes = Buffer.concat([this.#startup!, payload]);
    const packet = readRecordedStartup(bytes);
    if (packet === undefined) {
      this.#startup = bytes;
      return undefined;
    }
    const rest = bytes.subarray(packet.byteLength);
    this.#startup = packet.kind === 'startup' ? undefined : new Uint8Array(0);
    if (packet.kind !== 'startup') return rest.length === 0 ? undefined : this.#begin(rest);
    this.#recorded.take('client', bytes.subarray(0, packet.byteLength), 0);
    const startup = startupOf(packet, this.#login);
    this.#rerun.take('client', startup, 0);
    await this.live.open(this.#open, startup);
    return rest;
  }
}
