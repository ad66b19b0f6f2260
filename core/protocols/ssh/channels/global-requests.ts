/** Global requests of either side, and their answers (RFC 4254 section 4). */
import type { Side } from './channel.ts';
import type { Forwardings } from './forwardings.ts';
import type { ConnectionHands } from './hands.ts';
import * as M from './messages.ts';
import type { OwnWords } from './own-words.ts';
import { Replies } from './replies.ts';

const { Message } = M;

export class GlobalRequests {
  readonly #hands: ConnectionHands;
  readonly #words: OwnWords;
  readonly #forwardings: Forwardings;
  /** Answers that the client, and that the target, waits for. */
  readonly #ofClient: Replies;
  readonly #ofTarget: Replies;

  constructor(hands: ConnectionHands, words: OwnWords, forwardings: Forwardings) {
    this.#hands = hands;
    this.#words = words;
    this.#forwardings = forwardings;
    this.#ofClient = new Replies((message) => hands.say(message));
    this.#ofTarget = new Replies((message) => hands.ask(message));
  }

  /** Asks the target for an answer, so that one that is gone is noticed. */
  askAlive(): void {
    this.#ofClient.swallow();
    this.#hands.ask(M.keepAlive());
  }

  /** As its question is not on the tape, the answer is not either: a reader would take it for another's. */
  answersGateway(side: Side, payload: Uint8Array): boolean {
    const isGlobal = payload[0] === Message.requestSuccess || payload[0] === Message.requestFailure;
    return isGlobal && (side === 'target' ? this.#ofClient : this.#ofTarget).isOwnNext;
  }

  asked(side: Side, payload: Uint8Array): void {
    this.#hands.record(side, payload);
    const request = M.readGlobalRequest(payload);
    const { name, wantReply } = request;
    const replies = side === 'client' ? this.#ofClient : this.#ofTarget;
    const verdict = side === 'client' ? this.#forwardings.asked(request) : globalOfTarget(name);
    if (verdict === 'swallow') return;
    if (verdict !== 'pass' && 'words' in verdict) {
      this.#words.refused(side, 'global-request', name, verdict.words, verdict.to);
      if (wantReply) replies.answer(M.requestFailure());
      return;
    }
    if (wantReply) replies.expect(verdict === 'pass' ? undefined : verdict.answered);
    this.#hands.pass(side === 'client' ? 'target' : 'client', payload);
  }

  answered(side: Side, payload: Uint8Array): void {
    const replies = side === 'target' ? this.#ofClient : this.#ofTarget;
    if (replies.take(payload[0] === Message.requestSuccess, payload))
      this.#hands.pass(side === 'target' ? 'client' : 'target', payload);
    replies.sayNext();
  }
}

/** Of the target's global requests: its host keys are the gateway's business alone. */
function globalOfTarget(name: string): 'pass' | 'swallow' | { readonly words: string; readonly to?: string } {
  if (name === 'hostkeys-00@openssh.com') return 'swallow';
  if (name === 'keepalive@openssh.com') return 'pass';
  return { words: 'the gateway does not know this request' };
}
