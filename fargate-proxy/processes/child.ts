import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Taker } from './acceptor.ts';
import type { ChildState, FromChild, Load, SiblingNote, ToChild } from './messages.ts';

/** A process whose event loop stands for so long gets no more for now. */
const STUCK_MS = 500;

export interface ChildEvents {
  /** It takes sockets from now on. */
  readonly ready: () => void;
  /** It may take again. */
  readonly idle: () => void;
  readonly state: (state: ChildState) => void;
  readonly tell: (note: SiblingNote) => void;
}

/** One gateway process, as the parent sees it. It has one socket on its way at a time: of a process that dies, at most that one is lost. */
export class Child implements Taker {
  readonly number: number;
  readonly task: string;
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;
  readonly #events: ChildEvents;
  readonly #now: () => number;
  #isServing = false;
  #isGone = false;
  #given = 0;
  #givenAt = 0;
  #load: Load = { taken: 0, here: 0, sessionsMax: Number.POSITIVE_INFINITY, isFull: false, isClosed: false };
  #state: ChildState | undefined;

  /** `now`: milliseconds, monotonic. */
  constructor(number: number, task: string, process: ChildProcess, events: ChildEvents, now: () => number) {
    this.number = number;
    this.task = task;
    this.#process = process;
    this.#events = events;
    this.#now = now;
    process.on('message', (message: FromChild) => this.#receive(message));
    // What cannot be sent to it any more: its end is told by `exit`.
    process.on('error', () => undefined);
    this.exited = new Promise((exited) => {
      process.once('exit', (code, signal) => {
        this.#isGone = true;
        exited(signal ?? `exit code ${code}`);
      });
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isServing(): boolean {
    return this.#isServing && !this.#isGone && !this.#load.isClosed;
  }

  get load(): number {
    return this.#load.here + this.#given - this.#load.taken;
  }

  get isFull(): boolean {
    return this.#load.isFull;
  }

  get mayBeFull(): boolean {
    return this.load >= this.#load.sessionsMax;
  }

  get isIdle(): boolean {
    return this.#given === this.#load.taken;
  }

  get isStuck(): boolean {
    return !this.isIdle && this.#now() - this.#givenAt > STUCK_MS;
  }

  /** What it said last; undefined before it said anything, and once it is gone. */
  get state(): ChildState | undefined {
    return this.#isGone ? undefined : this.#state;
  }

  take(door: string, socket: Socket): void {
    this.#given += 1;
    this.#givenAt = this.#now();
    this.#send({ kind: 'socket', door }, socket);
  }

  told(note: SiblingNote): void {
    if (this.#isServing) this.#send({ kind: 'told', note });
  }

  /** One that has not come to take sockets has nothing to drain. */
  drain(): void {
    if (this.#isServing) this.#send({ kind: 'drain' });
    else this.#process.kill('SIGTERM');
  }

  #send(message: ToChild, socket?: Socket): void {
    if (this.#isGone || !this.#process.connected) return void socket?.resetAndDestroy();
    this.#process.send(message, socket, {}, () => undefined);
  }

  #receive(message: FromChild): void {
    switch (message.kind) {
      case 'ready':
        this.#isServing = true;
        this.#events.ready();
        return;
      case 'load':
        this.#load = message;
        this.#events.idle();
        return;
      case 'state':
        this.#state = message;
        this.#events.state(message);
        return;
      case 'tell':
        this.#events.tell(message.note);
    }
  }
}
