import { shown } from '../shown.ts';
import { Tally } from '../tally.ts';
import type { ShownEnv, ShownProgram, ShownPty, ShownRequest, SshOutcome, SshReplayLimits } from './step.ts';
import type { ChannelTapeRequest, TapeRequest } from './tape-events.ts';
import type { RequestDetail } from './tape-requests.ts';

interface Variable {
  readonly name: string;
  readonly value: Uint8Array;
  readonly request: TapeRequest;
}

/** What is known of a program besides what it is: terminal, variables, data, how it ended. */
export class ProgramFacts {
  readonly #limits: SshReplayLimits;
  readonly #env: Variable[] = [];
  readonly #signals: string[] = [];
  readonly #requests: TapeRequest[] = [];
  readonly #resizes: { readonly columns: number; readonly rows: number; readonly at: number }[] = [];
  #resized = 0;
  pty: Extract<RequestDetail, { kind: 'pty' }> | undefined;
  exitStatus: number | undefined;
  exitSignal: ShownProgram['exitSignal'];
  commands = 0;
  forced: ShownProgram['forced'];
  readonly input: Tally;
  readonly output: Tally;
  readonly errors: Tally;
  readonly said: Tally;

  constructor(limits: SshReplayLimits) {
    this.#limits = limits;
    this.input = new Tally(limits.sample);
    this.output = new Tally(limits.sample);
    this.errors = new Tally(limits.sample);
    this.said = new Tally(limits.sample);
  }

  /** Other than what starts something. */
  request(request: ChannelTapeRequest, at: number): void {
    const { detail } = request;
    const { list } = this.#limits;
    switch (detail.kind) {
      case 'pty':
        this.pty = detail;
        break;
      case 'size':
        this.#resized += 1;
        if (this.#resizes.length < list)
          this.#resizes.push({ columns: detail.columns, rows: detail.rows, at });
        break;
      case 'env':
        if (this.#env.length < list)
          this.#env.push({ name: detail.name, value: detail.value.slice(0, this.#limits.sample), request });
        break;
      case 'signal':
        if (this.#signals.length < list) this.#signals.push(detail.name);
        break;
      case 'start':
      case 'other':
        if (this.#requests.length < list) this.#requests.push(request);
        break;
      case 'exit-status':
      case 'exit-signal':
      case 'passing':
        break;
    }
  }

  told(detail: RequestDetail): void {
    if (detail.kind === 'exit-status') this.exitStatus = detail.status;
    if (detail.kind === 'exit-signal') {
      const { name, core, message } = detail;
      this.exitSignal = { name, core, message: message.slice(0, this.#limits.text) };
    }
  }

  shown(): ShownProgram {
    const data = {
      input: this.input.shown(),
      output: this.output.shown(),
      errors: this.errors.shown(),
      said: this.said.shown(),
    };
    const all = {
      pty: this.#shownPty(),
      env: listed(this.#env.map((variable) => this.#shownEnv(variable))),
      signals: listed(this.#signals),
      requests: listed(this.#requests.map(shownRequest)),
      exitStatus: this.exitStatus,
      exitSignal: this.exitSignal,
      ...data,
      commands: this.commands > 0 ? this.commands : undefined,
      forced: this.forced,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  #shownPty(): ShownPty | undefined {
    if (this.pty === undefined) return undefined;
    const { term, columns, rows } = this.pty;
    return { term, columns, rows, resizes: this.#resizes, resized: this.#resized };
  }

  #shownEnv({ name, value, request }: Variable): ShownEnv {
    const outcome = outcomeOfRequest(request);
    return { name, value: shown(value, this.#limits.sample), ...(outcome && { outcome }) };
  }
}

function listed<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

export function shownRequest(request: TapeRequest): ShownRequest {
  const outcome = outcomeOfRequest(request);
  const { name, words } = request;
  return { type: name, ...(outcome && { outcome }), ...(words !== undefined && { words }) };
}

/** Undefined where nobody was to say. */
export function outcomeOfRequest({ answer, wantReply }: TapeRequest): SshOutcome | undefined {
  if (answer === undefined) return wantReply ? 'unfinished' : undefined;
  return answer === 'accepted' ? 'completed' : answer;
}
