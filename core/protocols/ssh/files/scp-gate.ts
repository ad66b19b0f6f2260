import { createHash, type Hash } from 'node:crypto';
import { asCustodyError } from '#core/errors.ts';
import type { ChannelGate, GateHands } from '../channels/gate.ts';
import type { ScpCommand } from './scp-command.ts';
import { type ScpFile, type ScpProblem, ScpTalk } from './scp-talk.ts';

interface Passing {
  readonly file: ScpFile;
  readonly hash: Hash;
  bytes: number;
}

/**
 * Reads scp's old protocol as strictly as its sink does and lets it pass as it came; with `digests` the contents stand as zeros on
 * the tape, and a note says of each file what passed. It decides nothing by path: symbolic links at the target, which nobody can be
 * asked about here, may lead any path elsewhere.
 */
export class ScpGate implements ChannelGate {
  readonly #command: ScpCommand;
  readonly #digests: boolean;
  readonly #talk: ScpTalk;
  #passing: Passing | undefined;
  #hands: Pick<GateHands, 'note'> & Partial<GateHands> = { note: () => undefined };
  #dead = false;

  constructor(command: ScpCommand, digests: boolean) {
    this.#command = command;
    this.#digests = digests;
    const events = {
      offered: (file: ScpFile, directory: boolean) => {
        this.#passing = directory ? undefined : { file, hash: createHash('sha256'), bytes: 0 };
      },
      content: (part: Uint8Array, at: number) => this.#content(part, at),
      over: (problem: ScpProblem | undefined) => this.#over(problem),
      complained: () => undefined,
    };
    // Who does not wait for the answer could have what is no content stand as zeros.
    this.#talk = new ScpTalk(command, events, false);
  }

  fromClient(data: Uint8Array, hands: GateHands): void {
    this.#run(hands, () => {
      if (this.#command.role === 'sink') this.#talk.fromSource(data);
      else this.#talk.fromSink(data);
      hands.toTarget(data);
    });
  }

  fromTarget(data: Uint8Array, hands: GateHands, error: boolean): void {
    if (error) return hands.toClient(data, true);
    this.#run(hands, () => {
      if (this.#command.role === 'sink') this.#talk.fromSink(data);
      else this.#talk.fromSource(data);
      hands.toClient(data);
    });
  }

  /** Nothing is held back. */
  ended(): void {}

  closed(hands: Pick<GateHands, 'note'>): void {
    this.#dead = true;
    this.#hands = hands;
    if (this.#passing !== undefined) this.#tell(this.#passing, { unfinished: true });
  }

  #run(hands: GateHands, work: () => void): void {
    if (this.#dead) return;
    this.#hands = hands;
    try {
      work();
    } catch (thrown) {
      this.#dead = true;
      const error = asCustodyError(thrown);
      if (error.code === 'internal') throw error;
      hands.close(error.message, 1);
    }
  }

  #content(part: Uint8Array, at: number): void {
    if (!this.#digests) return;
    this.#hands.withhold?.(at, at + part.length);
    if (this.#passing === undefined) return;
    this.#passing.bytes += part.length;
    this.#passing.hash.update(part);
  }

  #over(problem: ScpProblem | undefined): void {
    const passing = this.#passing;
    this.#passing = undefined;
    // What the sink would not begin has passed nothing.
    if (passing === undefined || (problem !== undefined && passing.bytes === 0)) return;
    this.#tell(passing, problem === undefined ? {} : { failed: 1 });
  }

  #tell(
    { file, hash, bytes }: Passing,
    more: { readonly unfinished?: true; readonly failed?: number },
  ): void {
    if (!this.#digests) return;
    const { path, name, size } = file;
    this.#hands.note({
      note: 'ssh-file',
      direction: this.#command.role === 'sink' ? 'upload' : 'download',
      path,
      ...(name === undefined ? {} : { name }),
      size,
      bytes,
      sha256: hash.digest('hex'),
      ...more,
    });
  }
}
