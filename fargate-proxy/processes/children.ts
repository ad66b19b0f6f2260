import type { ChildProcess } from 'node:child_process';
import { CustodyError } from '#core/errors.ts';
import type { Log } from '../log.ts';
import { Child, type ChildEvents } from './child.ts';
import type { ChildState, SiblingNote } from './messages.ts';
import { Restarts } from './restarts.ts';

export interface ChildrenPorts {
  readonly of: number;
  readonly newTask: () => string;
  /** Starts a process with an IPC channel. */
  readonly spawn: (number: number, task: string) => ChildProcess;
  /** The process of this task is gone for ever. */
  readonly ended: (task: string) => void;
  /** Somebody may take again. */
  readonly idle: () => void;
  readonly state: (state: ChildState) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly later: (ms: number, work: () => void) => void;
  readonly log: Log;
}

/** The gateway processes of one parent: one that dies is started again, as another task. */
export class Children {
  readonly #ports: ChildrenPorts;
  readonly #all = new Map<number, Child>();
  #isDraining = false;

  constructor(ports: ChildrenPorts) {
    this.#ports = ports;
  }

  /** Those that take sockets. */
  get serving(): readonly Child[] {
    return [...this.#all.values()].filter(({ isServing }) => isServing);
  }

  /** What those say of themselves that live. */
  get states(): readonly ChildState[] {
    return [...this.#all.values()].map(({ state }) => state).filter((state) => state !== undefined);
  }

  get tasks(): readonly string[] {
    return [...this.#all.values()].map(({ task }) => task);
  }

  /** Resolves when all take sockets. False where one cannot start, which it has said itself. */
  async start(): Promise<boolean> {
    const started = Array.from({ length: this.#ports.of }, (_, at) => this.#start(at + 1, new Restarts()));
    return (await Promise.all(started)).every((isServing) => isServing);
  }

  /** No sockets any more; resolves when all are gone. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const all = [...this.#all.values()];
    for (const child of all) child.drain();
    await Promise.all(all.map(({ exited }) => exited));
  }

  /** Resolves when it serves, with true, or is gone before it came to that. */
  #start(number: number, restarts: Restarts): Promise<boolean> {
    const { newTask, spawn, now } = this.#ports;
    const task = newTask();
    let servedSince: number | undefined;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const ready = (): void => {
      servedSince = now();
      resolve(true);
      this.#ports.idle();
    };
    const child = new Child(number, task, spawn(number, task), this.#eventsOf(number, ready), now);
    this.#all.set(number, child);
    void child.exited.then((how) => {
      resolve(false);
      this.#gone(child, how, servedSince, restarts);
    });
    return promise;
  }

  #eventsOf(number: number, ready: () => void): ChildEvents {
    const { idle, state } = this.#ports;
    return { ready, idle, state, tell: (note) => this.#tell(number, note) };
  }

  #tell(from: number, note: SiblingNote): void {
    for (const child of this.#all.values()) if (child.number !== from) child.told(note);
  }

  #gone({ number, task }: Child, how: string, servedSince: number | undefined, restarts: Restarts): void {
    const { ended, log, later, now, idle } = this.#ports;
    this.#all.delete(number);
    ended(task);
    idle();
    if (this.#isDraining) return;
    const pauseMs = restarts.pauseAfter(servedSince === undefined ? 0 : now() - servedSince);
    log('process-gone', gone(how), { process: number, task, againMs: pauseMs });
    later(pauseMs, () => {
      if (!this.#isDraining) void this.#start(number, restarts);
    });
  }
}

function gone(how: string): CustodyError {
  return new CustodyError('internal', 'a gateway process ended, and its sessions with it', {
    hint: 'its own lines say why, unless it was killed; another one is started',
    detail: how,
  });
}
