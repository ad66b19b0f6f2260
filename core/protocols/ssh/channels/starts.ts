/** What a session channel runs: one thing, and nothing of it before the terms, the gates and the grant allow it. */
import { asCustodyError } from '#core/errors.ts';
import type { Channel } from './channel.ts';
import type { ChannelStart, ContractStarts, ContractVerdict } from './gate.ts';
import type { ConnectionHands } from './hands.ts';
import * as M from './messages.ts';
import { NOT_PERMITTED, type OwnWords } from './own-words.ts';
import { startFor } from './requests.ts';
import type { SessionTerms } from './terms.ts';

const { Message } = M;

type Left = Extract<ContractVerdict, { goesOn: false }>;

export interface StartsParts {
  readonly terms: SessionTerms;
  readonly hands: ConnectionHands;
  readonly words: OwnWords;
  /** Takes what the client sent while the grant was being claimed. */
  readonly again: (payload: Uint8Array) => void;
  readonly isOver: () => boolean;
}

export class Starts {
  readonly #parts: StartsParts;
  readonly #terms: SessionTerms;
  readonly #hands: ConnectionHands;
  readonly #words: OwnWords;
  /** What the client sent while the grant is being claimed: no more than one read's worth, since it is not read meanwhile. */
  #held: Uint8Array[] | undefined;
  #claimed = false;
  readonly #over = new AbortController();

  constructor(parts: StartsParts) {
    this.#parts = parts;
    this.#terms = parts.terms;
    this.#hands = parts.hands;
    this.#words = parts.words;
  }

  /** The grant is being claimed. */
  get holds(): boolean {
    return this.#held !== undefined;
  }

  /** The session is over: nobody waits for anything any more. */
  end(): void {
    this.#over.abort();
  }

  /** Keeps the client's message until the grant is claimed. */
  hold(payload: Uint8Array): void {
    this.#held?.push(Uint8Array.from(payload));
  }

  /** A shell, a command or a subsystem: one a channel (RFC 4254 section 6.5), and each by the same way. */
  start(channel: Channel, request: M.ChannelRequest, asked: ChannelStart, payload: Uint8Array): void {
    if (channel.start !== 'none')
      return this.#words.refuseRequest(channel, request, 'the channel runs something already');
    const runs = startFor(asked, this.#terms);
    if ('words' in runs) return this.#refuseStart(channel, request, asked, runs.words);
    const verdict = this.#terms.gates?.(runs.start, { pty: channel.pty });
    if (verdict !== undefined && 'words' in verdict)
      return this.#refuseStart(channel, request, asked, verdict.words);
    if (verdict?.gate !== undefined && this.#terms.contract !== undefined)
      return this.#refuseStart(channel, request, asked, FILES_UNDER_CONTRACT);
    channel.gate = verdict?.gate;
    channel.noInput = this.#terms.exact !== undefined;
    channel.start = 'asked';
    const changed = isSame(asked, runs.start) ? payload : startMessage(request, runs.start);
    const runsInPlace = this.#terms.forcedCommand;
    if (runsInPlace !== undefined) {
      const fact = { channel: channel.client, asked: startText(asked), runs: runsInPlace };
      this.#hands.note({ note: 'ssh-forced-command', ...fact });
    }
    const go = (message: Uint8Array): void => this.#passStart(channel, request.wantReply, message);
    if (this.#terms.contract !== undefined)
      return this.#askContract(this.#terms.contract, runs.start, channel, Uint8Array.from(changed), go);
    if (this.#terms.exact === undefined || this.#claimed) return go(changed);
    this.#claimFirst(Uint8Array.from(changed), channel, go);
  }

  #passStart(channel: Channel, wantReply: boolean, message: Uint8Array): void {
    if (!wantReply) channel.start = 'running';
    else
      channel.toTarget.expect((success) => {
        channel.start = success ? 'running' : 'none';
        if (!success) channel.gate = undefined;
      });
    this.#hands.pass('target', message);
  }

  /** The grant becomes this session's before the first approved command goes on. */
  #claimFirst(message: Uint8Array, channel: Channel, go: (message: Uint8Array) => void): void {
    this.#holdUntil(this.#hands.claim(), () => {
      this.#claimed = true;
      if (!channel.closed.target) go(message);
    });
  }

  #askContract(
    contract: ContractStarts,
    start: ChannelStart,
    channel: Channel,
    message: Uint8Array,
    go: (message: Uint8Array) => void,
  ): void {
    const announce = (message: string, hint: string): void =>
      this.#words.error(channel, `${message}\n${hint}`);
    this.#holdUntil(contract.judge(start, { announce, signal: this.#over.signal }), (verdict) => {
      if (channel.closed.target) return;
      if (!verdict.goesOn) return this.#leaveContract(channel, start, verdict);
      channel.gate = verdict.gate;
      go(message);
    });
  }

  #leaveContract(channel: Channel, start: ChannelStart, { error, ends }: Left): void {
    if (ends) return this.#hands.end(error);
    const { message, hint } = error;
    this.#words.refused('client', 'start', start.kind, message, startText(start));
    channel.toTarget.answer(M.about(Message.success, channel.client!));
    this.#words.closeWith(channel, hint === undefined ? message : `${message}\n${hint}`, NOT_PERMITTED);
  }

  /** What the client sends meanwhile waits. */
  #holdUntil<T>(ready: Promise<T>, proceed: (found: T) => void): void {
    this.#held = [];
    ready
      .then((found) => {
        const held = this.#held ?? [];
        this.#held = undefined;
        if (this.#parts.isOver()) return;
        proceed(found);
        for (const payload of held) this.#parts.again(payload);
        this.#hands.resumed();
      })
      .catch((error: unknown) => this.#hands.end(asCustodyError(error)));
  }

  #refuseStart(channel: Channel, request: M.ChannelRequest, asked: ChannelStart, words: string): void {
    this.#words.refused('client', 'start', request.name, words, startText(asked));
    // A client that is told no by a failure says no more than that one came: this way the person reads why.
    if (request.wantReply) channel.toTarget.answer(M.about(Message.success, channel.client!));
    this.#words.closeWith(channel, words, NOT_PERMITTED);
  }
}

/** Two would have to look at the same bytes. */
const FILES_UNDER_CONTRACT = 'under a contract nothing runs on files that a rule for files looks at';

function isSame(asked: ChannelStart, runs: ChannelStart): boolean {
  return asked.kind === runs.kind && startText(asked) === startText(runs);
}

function startMessage({ recipient, wantReply }: M.ChannelRequest, start: ChannelStart): Uint8Array {
  const what = start.kind === 'shell' ? undefined : startText(start);
  return M.startRequest(recipient, wantReply, start.kind, what);
}

function startText(start: ChannelStart): string {
  if (start.kind === 'shell') return '';
  return start.kind === 'exec' ? start.command : start.name;
}
