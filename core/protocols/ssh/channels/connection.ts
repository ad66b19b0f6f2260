import { violation } from '../wire.ts';
import type { Channel, Side } from './channel.ts';
import { Forwardings } from './forwardings.ts';
import type { ChannelGate } from './gate.ts';
import { GatedData } from './gated.ts';
import { GlobalRequests } from './global-requests.ts';
import type { ConnectionHands } from './hands.ts';
import * as M from './messages.ts';
import { Openings } from './openings.ts';
import { NOT_PERMITTED, OwnWords } from './own-words.ts';
import { REQUESTS_ANYWHERE, REQUESTS_OF_TARGET, requestedByClient } from './requests.ts';
import { Starts } from './starts.ts';
import { ChannelTable } from './table.ts';
import type { SessionTerms } from './terms.ts';

const { Message } = M;

/**
 * The connection protocol between a client and a target: passes on what the terms let pass, byte for byte, and answers the rest in
 * the gateway's name. Throws `protocol-violation` for a peer that does not keep to it.
 */
export class Connection {
  readonly #terms: SessionTerms;
  readonly #hands: ConnectionHands;
  readonly #table = new ChannelTable();
  readonly #forwardings: Forwardings;
  readonly #globals: GlobalRequests;
  readonly #openings: Openings;
  readonly #starts: Starts;
  readonly #words: OwnWords;
  readonly #gated: GatedData;
  #over = false;

  constructor(terms: SessionTerms, hands: ConnectionHands) {
    this.#terms = terms;
    this.#hands = hands;
    this.#words = new OwnWords(hands);
    const [words, table] = [this.#words, this.#table];
    this.#forwardings = new Forwardings(terms);
    this.#globals = new GlobalRequests(hands, words, this.#forwardings);
    this.#openings = new Openings({ terms, hands, words, table, forwardings: this.#forwardings });
    const again = (payload: Uint8Array): void => this.fromClient(payload);
    this.#starts = new Starts({ terms, hands, words, again, isOver: () => this.#over });
    this.#gated = new GatedData(hands, (channel, why, status) => words.closeWith(channel, why, status));
  }

  /** The client should not be read: what it sends is held. */
  get holds(): boolean {
    return this.#starts.holds;
  }

  /** Channels that are open or being opened. */
  get channels(): number {
    return this.#table.size;
  }

  fromClient(payload: Uint8Array): void {
    if (this.#over) return;
    if (this.#starts.holds) return this.#starts.hold(payload);
    switch (payload[0]) {
      case Message.data:
      case Message.extendedData:
        return this.#dataOfClient(payload);
      case Message.windowAdjust:
        return this.#adjusted('client', payload);
      case Message.request:
        return this.#requestOfClient(payload);
      case Message.open:
        return this.#openings.byClient(payload);
      case Message.globalRequest:
        return this.#globals.asked('client', payload);
      default:
        return this.#other('client', payload);
    }
  }

  fromTarget(payload: Uint8Array): void {
    if (this.#over) return;
    switch (payload[0]) {
      case Message.data:
      case Message.extendedData:
        return this.#dataOfTarget(payload);
      case Message.windowAdjust:
        return this.#adjusted('target', payload);
      case Message.request:
        return this.#requestOfTarget(payload);
      case Message.open:
        return this.#openings.byTarget(payload);
      case Message.globalRequest:
        return this.#globals.asked('target', payload);
      default:
        return this.#other('target', payload);
    }
  }

  /** Asks the target for an answer, so that one that is gone is noticed. */
  askAlive(): void {
    this.#globals.askAlive();
  }

  /** Tells the client on each session's error stream why it ends, as far as there is room. */
  tell(words: string): void {
    for (const channel of this.#table)
      if (channel.kind === 'session' && channel.isOpen && !channel.closed.client)
        this.#words.error(channel, words);
  }

  /** Nothing more is heard. Gates say what they know of what is unfinished. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#starts.end();
    for (const channel of this.#table) this.#gateClosed(channel);
  }

  #gateClosed(channel: Channel): void {
    channel.gate?.closed({ note: (fact) => this.#hands.note({ ...fact, channel: channel.client }) });
  }

  #other(side: Side, payload: Uint8Array): void {
    if (!this.#globals.answersGateway(side, payload)) this.#hands.record(side, payload);
    switch (payload[0]) {
      case Message.confirmation:
        return this.#openings.confirmed(side, payload);
      case Message.openFailure:
        return this.#openings.failed(side, payload);
      case Message.eof:
        return this.#eof(side, payload);
      case Message.close:
        return this.#close(side, payload);
      case Message.success:
      case Message.failure:
        return this.#channelReply(side, payload);
      case Message.requestSuccess:
      case Message.requestFailure:
        return this.#globals.answered(side, payload);
      default:
        // No message of the connection protocol: nobody is told of what nobody knows.
        return undefined;
    }
  }

  #dataOfClient(payload: Uint8Array): void {
    const channel = this.#table.ofClient(M.recipientOf(payload));
    const isGated = channel.gate !== undefined && !channel.abandoned && !channel.noInput;
    if (isGated) return this.#gated.fromClient(channel, payload);
    this.#hands.record('client', payload);
    if (channel.abandoned || channel.closed.client) return;
    if (channel.kind === 'session' && channel.start === 'none')
      throw violation('the client sent data before it said what is to run');
    if (!channel.noInput) return this.#hands.pass('target', payload);
    const words = 'an approved command gets no input: connect with ssh -n, or put it into the command';
    this.#words.closeWith(channel, words, NOT_PERMITTED);
  }

  #dataOfTarget(payload: Uint8Array): void {
    const channel = this.#table.ofTarget(M.recipientOf(payload));
    if (channel.gate !== undefined && !channel.abandoned) return this.#gated.fromTarget(channel, payload);
    this.#hands.record('target', payload);
    if (!channel.abandoned && !channel.closed.target) this.#hands.pass('client', payload);
  }

  /** The window of `side` grows: its peer may send more to it. */
  #adjusted(side: Side, payload: Uint8Array): void {
    this.#hands.record(side, payload);
    const channel = this.#table.of(side, M.recipientOf(payload));
    if (channel.abandoned) return;
    const bytes = M.adjustOf(payload);
    const window = side === 'client' ? channel.clientWindow : channel.targetWindow;
    const told = channel.kind === 'session' ? window.adjust(bytes) : bytes;
    const to = side === 'client' ? 'target' : 'client';
    if (told === bytes) this.#hands.pass(to, payload);
    else if (told > 0) this.#hands.pass(to, M.withNumber(payload, 5, told));
    if (channel.gate !== undefined) this.#gated.roomFor(side, channel);
  }

  #eof(side: Side, payload: Uint8Array): void {
    const channel = this.#table.of(side, M.recipientOf(payload));
    if (channel.abandoned || channel.closed[side]) return;
    if (channel.gate !== undefined) this.#gated.ended(side, channel);
    if (!channel.abandoned) this.#passBehindGate(side, channel, payload);
  }

  /** What the gate still has to say for want of room goes before it. */
  #passBehindGate(side: Side, channel: Channel, payload: Uint8Array): void {
    const to = side === 'client' ? 'target' : 'client';
    if (!this.#gated.waitsBehind(to, channel, payload)) this.#hands.pass(to, payload);
  }

  #close(side: Side, payload: Uint8Array): void {
    const channel = this.#table.of(side, M.recipientOf(payload));
    if (channel.closed[side]) throw violation(`the ${side} closes a channel twice`);
    channel.closed[side] = true;
    if (side === 'target') {
      channel.toTarget.flush();
      this.#hands.pass('client', payload);
    } else if (!channel.abandoned) {
      this.#hands.pass('target', payload);
    }
    if (!channel.closed.client || !channel.closed.target) return;
    this.#gateClosed(channel);
    this.#gated.forget(channel);
    this.#table.delete(channel);
  }

  /** `side` answers a request of the other's. */
  #channelReply(side: Side, payload: Uint8Array): void {
    const channel = this.#table.of(side, M.recipientOf(payload));
    const replies = side === 'target' ? channel.toTarget : channel.toClient;
    if (replies.take(payload[0] === Message.success, payload) && !(channel.abandoned && side === 'client'))
      this.#hands.pass(side === 'target' ? 'client' : 'target', payload);
    replies.sayNext();
  }

  #requestOfTarget(payload: Uint8Array): void {
    this.#hands.record('target', payload);
    const { name, wantReply, recipient } = M.readChannelRequest(payload);
    const channel = this.#table.ofTarget(recipient);
    if (channel.abandoned || channel.closed.target) return;
    const known = channel.kind === 'session' ? REQUESTS_OF_TARGET : REQUESTS_ANYWHERE;
    if (known.has(name)) {
      if (channel.gate?.exited !== undefined) tellExit(channel.gate, payload);
      if (wantReply) channel.toClient.expect();
      return this.#hands.pass('client', payload);
    }
    this.#words.refused('target', 'request', name, 'the gateway does not know this request');
    if (wantReply && channel.target !== undefined)
      channel.toClient.answer(M.about(Message.failure, channel.target));
  }

  #requestOfClient(payload: Uint8Array): void {
    this.#hands.record('client', payload);
    const request = M.readChannelRequest(payload);
    const channel = this.#table.ofClient(request.recipient);
    if (channel.abandoned || channel.closed.client) return;
    if (channel.kind !== 'session') {
      if (REQUESTS_ANYWHERE.has(request.name)) return this.#passRequest(channel, request, payload);
      return this.#words.refuseRequest(channel, request, 'the gateway does not know this request');
    }
    const verdict = requestedByClient(request, this.#terms);
    switch (verdict.kind) {
      case 'refuse':
        return this.#words.refuseRequest(channel, request, verdict.words);
      case 'start':
        return this.#starts.start(channel, request, verdict.start, payload);
      case 'pty':
        channel.pty = true;
        break;
      case 'agent':
      case 'x11':
        this.#forwardings[verdict.kind] = true;
        break;
      case 'pass':
    }
    this.#passRequest(channel, request, payload);
  }

  #passRequest(channel: Channel, { wantReply }: M.ChannelRequest, payload: Uint8Array): void {
    if (wantReply) channel.toTarget.expect();
    this.#hands.pass('target', payload);
  }
}

/** How a program ended, of the message that says so. */
function tellExit(gate: ChannelGate, payload: Uint8Array): void {
  const { name, reader } = M.readChannelRequest(payload);
  if (name === 'exit-status') gate.exited?.({ status: reader.uint32() });
  if (name === 'exit-signal') gate.exited?.({ signal: reader.words() });
}
