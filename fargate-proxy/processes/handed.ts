import type { Socket } from 'node:net';
import type { Doors } from '../listener.ts';
import type { ChildState, FromChild, Load, SiblingNote, ToChild } from './messages.ts';

const LOAD_EVERY_MS = 100;
const STATE_EVERY_MS = 1_000;

/** The channel to the parent: `process` is one. */
export interface ParentChannel {
  send?(message: FromChild, handle: undefined, options: undefined, sent: () => void): boolean;
  on(event: 'message', listener: (message: ToChild, socket?: Socket) => void): unknown;
}

/** What a process under a parent does with what comes from there. */
export interface ChildWork {
  readonly serve: (door: string, socket: Socket) => void;
  readonly load: () => Pick<Load, 'here' | 'sessionsMax' | 'isFull'>;
  /** The last place was taken, or one is free again. */
  readonly whenFullOrNot: (say: () => void) => void;
  readonly state: () => ChildState;
  readonly told: (note: SiblingNote) => void;
  readonly drain: () => void;
  readonly every: (ms: number, work: () => void) => void;
}

/** What its parent is to a gateway process: sockets come from there, and how it is goes there. */
export class Handed implements Doors {
  readonly #channel: ParentChannel;
  #taken = 0;
  #isClosed = false;
  #said = '';
  #work: ChildWork | undefined;

  constructor(channel: ParentChannel) {
    this.#channel = channel;
  }

  get listening(): boolean {
    return !this.#isClosed;
  }

  /** Says that it takes sockets, and takes them. */
  begin(work: ChildWork): void {
    this.#work = work;
    const say = (): void => this.#say({ kind: 'load', ...this.#load(work) });
    this.#channel.on('message', (message, socket) => {
      switch (message.kind) {
        case 'socket':
          this.#taken += 1;
          // It may have been closed on its way.
          if (socket !== undefined) work.serve(message.door, socket);
          say();
          return;
        case 'told':
          work.told(message.note);
          return;
        case 'drain':
          work.drain();
      }
    });
    work.every(LOAD_EVERY_MS, () => this.#sayIfNew(work));
    // At once: the next newcomer would be sent to whoever has no place any more.
    work.whenFullOrNot(() => this.#sayIfNew(work));
    const state = (): void => this.#say({ kind: 'state', ...work.state() });
    work.every(STATE_EVERY_MS, state);
    state();
    say();
    this.#say({ kind: 'ready' });
  }

  /** The parent gives it nobody new. What is on its way is taken, and refused in words of its protocol. */
  close(): void {
    this.#isClosed = true;
    if (this.#work !== undefined) this.#sayIfNew(this.#work);
  }

  /** To all other processes of the gateway. */
  tell(note: SiblingNote): void {
    this.#say({ kind: 'tell', note });
  }

  /** What is to be counted though the process ends now. */
  sayState(state: ChildState): void {
    this.#say({ kind: 'state', ...state });
  }

  #load(work: ChildWork): Load {
    return { taken: this.#taken, ...work.load(), isClosed: this.#isClosed };
  }

  #sayIfNew(work: ChildWork): void {
    const load = this.#load(work);
    const text = JSON.stringify(load);
    if (text === this.#said) return;
    this.#said = text;
    this.#say({ kind: 'load', ...load });
  }

  /** Where the parent is gone there is nobody to hear it: `disconnect` tells that. */
  #say(message: FromChild): void {
    this.#channel.send?.(message, undefined, undefined, () => undefined);
  }
}
