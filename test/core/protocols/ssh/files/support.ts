/** An SFTP session through the gate to a real sftp-server, and the bytes that the tape would have. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { ChannelGate, GateHands } from '#core/protocols/ssh/channels/gate.ts';
import { FileRights } from '#core/protocols/ssh/files/file-rights.ts';
import { SftpGate } from '#core/protocols/ssh/files/sftp-gate.ts';
import type { SshRule } from '#core/protocols/ssh/schema.ts';
import { readUint32, SshWriter } from '#core/protocols/ssh/wire.ts';
import type { ChannelReader } from '#core/replay/ssh/channel-reader.ts';
import type { SshStep } from '#core/replay/ssh/step.ts';
import { readerOf } from '#test/core/replay/ssh/files/captured.ts';

const SERVER = '/usr/lib/openssh/sftp-server';

export interface Note {
  readonly note: string;
  readonly [key: string]: unknown;
}

/** Carries out what a gate does, and checks that no byte is lost. */
export class Hands implements GateHands {
  readonly target: Buffer[] = [];
  readonly client: Buffer[] = [];
  readonly notes: Note[] = [];
  readonly withheld: [number, number][] = [];
  dropped = { client: 0, target: 0 };
  closedWith: string | undefined;
  /** What the tape has besides what passed, since it was taken from here. */
  readonly besides: ({ readonly note: Note } | { readonly said: Buffer })[] = [];
  said = 0;
  asked = 0;

  toTarget(bytes: Uint8Array): void {
    this.target.push(Buffer.from(bytes));
  }
  toClient(bytes: Uint8Array): void {
    this.client.push(Buffer.from(bytes));
  }
  drop(side: 'client' | 'target', bytes: number): void {
    this.dropped[side] += bytes;
  }
  say(bytes: Uint8Array): void {
    this.said += bytes.length;
    this.besides.push({ said: Buffer.from(bytes) });
    this.client.push(Buffer.from(bytes));
  }
  ask(bytes: Uint8Array): void {
    this.asked += bytes.length;
    this.target.push(Buffer.from(bytes));
  }
  withhold(from: number, to: number): void {
    this.withheld.push([from, to]);
  }
  note(fact: Note): void {
    this.notes.push(fact);
    this.besides.push({ note: fact });
  }
  close(words: string): void {
    this.closedWith = words;
  }

  /** What was given since the last call. */
  flush(): { target: Buffer; client: Buffer } {
    return { target: Buffer.concat(this.target.splice(0)), client: Buffer.concat(this.client.splice(0)) };
  }
}

/** The tape that a gate makes, and what a reader makes of it. */
export class Tape {
  readonly steps: SshStep[] = [];
  readonly client: Buffer[] = [];
  readonly target: Buffer[] = [];
  readonly #hands: Hands;
  readonly #reader: ChannelReader;
  #at = 0;

  constructor(hands: Hands, reader: ChannelReader) {
    this.#hands = hands;
    this.#reader = reader;
  }

  /** What came just now, after the gate has seen it. */
  record(side: 'client' | 'target', came: Uint8Array): void {
    const bytes = Buffer.from(came);
    let at = 0;
    const give = (to: number, withheld: boolean): void => {
      const part = bytes.subarray(at, to);
      at = to;
      const direction = side === 'client' ? 'in' : 'out';
      this.steps.push(...this.#reader.take(direction, part, (this.#at += 1), withheld));
    };
    for (const [from, to] of this.#hands.withheld.splice(0)) {
      bytes.fill(0, from, to);
      give(from, false);
      give(to, true);
    }
    give(bytes.length, false);
    this[side].push(bytes);
    this.#readBesides();
  }

  end(): void {
    this.#readBesides();
    this.steps.push(...this.#reader.end((this.#at += 1)));
  }

  #readBesides(): void {
    for (const one of this.#hands.besides.splice(0)) {
      this.#at += 1;
      const steps =
        'note' in one ? this.#reader.note?.(one.note, this.#at) : this.#reader.said?.(one.said, this.#at);
      this.steps.push(...(steps ?? []));
    }
  }
}

export function sftpGate(files: SshRule['files'], digests = false): SftpGate {
  let next = 0x9000_0000;
  return new SftpGate({ rights: new FileRights(files), digests, random: () => next++ });
}

/** A server behind a gate. `send` gives requests; `answer` waits for the next message. */
export class Behind {
  readonly hands = new Hands();
  readonly tape = new Tape(this.hands, readerOf({ kind: 'subsystem', command: 'sftp' })!);
  readonly #gate: ChannelGate;
  readonly #server: ChildProcessWithoutNullStreams;
  #came = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  readonly #cut: number;

  /** `cut`: the largest piece in which bytes come. */
  constructor(gate: ChannelGate, home: string, cut = 32_768) {
    this.#gate = gate;
    this.#cut = cut;
    this.#server = spawn(SERVER, ['-d', home]);
    this.#server.stdout.on('data', (bytes: Buffer) => {
      for (const part of this.#parts(bytes)) this.#take('target', part);
    });
  }

  send(...messages: Uint8Array[]): void {
    for (const part of this.#parts(Buffer.concat(messages))) this.#take('client', part);
  }

  async answer(): Promise<Buffer> {
    while (this.#came.length < 4 || this.#came.length < 4 + readUint32(this.#came, 0)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const length = 4 + readUint32(this.#came, 0);
    const message = this.#came.subarray(0, length);
    this.#came = this.#came.subarray(length);
    return message;
  }

  ask(message: Uint8Array): Promise<Buffer> {
    this.send(message);
    return this.answer();
  }

  end(): void {
    this.#gate.closed(this.hands);
    this.tape.end();
    this.#server.kill();
  }

  #take(side: 'client' | 'target', part: Buffer): void {
    if (side === 'client') this.#gate.fromClient(part, this.hands);
    else this.#gate.fromTarget(part, this.hands, false);
    this.tape.record(side, part);
    const { target, client } = this.hands.flush();
    if (target.length > 0) this.#server.stdin.write(target);
    this.#came = Buffer.concat([this.#came, client]);
    this.#wake?.();
  }

  *#parts(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += this.#cut) yield bytes.subarray(at, at + this.#cut);
  }
}

/** A request with its length; fields after the id. */
export function request(
  type: number,
  id: number,
  write: (fields: SshWriter) => SshWriter = (same) => same,
): Buffer {
  const body = write(SshWriter.message(type).uint32(id)).done();
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}
