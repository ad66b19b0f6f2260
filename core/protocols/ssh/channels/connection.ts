import type { CustodyError } from '#core/errors.ts';
import { violation } from '../wire.ts';
import { Channel, type ChannelKind, pieces, type Side } from './channel.ts';
import { Forwardings } from './forwardings.ts';
import type { ChannelStart } from './gate.ts';
import { GatedData, type Range } from './gated.ts';
import * as M from './messages.ts';
import { type OpenVerdict, openedByClient, openedByTarget } from './opening.ts';
import { Replies } from './replies.ts';
import { REQUESTS_ANYWHERE, REQUESTS_OF_TARGET, requestedByClient, startFor } from './requests.ts';
import { ChannelTable } from './table.ts';
import type { SessionTerms } from './terms.ts';

const { Message } = M;
/** As a shell has it for a command that may not be run. */
const NOT_PERMITTED = 126;

/** What a connection does. Payloads stay as they are only until the call returns. */
export interface ConnectionHands {
  /** Puts a message on the tape as it came, but for what is withheld. Before anything that follows from it. */
  record(side: Side, payload: Uint8Array, withheld?: readonly Range[]): void;
  /** Passes a message on, which is recorded already. */
  pass(to: Side, payload: Uint8Array): void;
  /** Says something to the client in the gateway's own name: recorded first. */
  say(payload: Uint8Array): void;
  /** Asks something of the target in the gateway's own name: as with the login, the tape has none of it. */
  ask(payload: Uint8Array): void;
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void;
  /** Makes the grant this session's; asked before the first approved command goes on. */
  claim(): Promise<void>;
  /** The session cannot go on. */
  end(error: CustodyError): void;
  /** `holds` is false again. */
  resumed(): void;
}

/**
 * The connection protocol between a client and a target: passes on what the terms let pass, byte for byte, and answers the rest in
 * the gateway's name. Throws `protocol-violation` for a peer that does not keep to it.
 */
export class Connection {
  readonly #terms: SessionTerms;
  readonly #hands: ConnectionHands;
  readonly #table = new ChannelTable();
  readonly #forwardings: Forwardings;
  /** Answers that the client, and that the target, waits for. */
  readonly #globalOfClient: Replies;
  readonly #globalOfTarget: Replies;
  readonly #gated: GatedData;
  /** What the client sent while the grant is being claimed: no more than one read's worth, since it is not read meanwhile. */
  #held: Uint8Array[] | undefined;
  #claimed = false;
  #over = false;

  constructor(terms: SessionTerms, hands: ConnectionHands) {
    this.#terms = terms;
    this.#hands = hands;
    this.#globalOfClient = new Replies((message) => hands.say(message));
    this.#globalOfTarget = new Replies((message) => hands.ask(message));
    this.#forwardings = new Forwardings(terms);
    this.#gated = new GatedData(hands, (channel, words, status) =>
      this.#closeWithWords(channel, words, status),
    );
  }

  /** The client should not be read: what it sends is held. */
  get holds(): boolean {
    return this.#held !== undefined;
  }

  /** Channels that are open or being opened. */
  get channels(): number {
    return this.#table.size;
  }

  fromClient(payload: Uint8Array): void {
    if (this.#over) return;
    if (this.#held !== undefined) return void this.#held.push(Uint8Array.from(payload));
    switch (payload[0]) {
      case Message.data:
      case Message.extendedData:
        return this.#dataOfClient(payload);
      case Message.windowAdjust:
        return this.#adjusted('client', payload);
      case Message.request:
        return this.#requestOfClient(payload);
      case Message.open:
        return this.#openOfClient(payload);
      case Message.globalRequest:
        return this.#globalOf('client', payload);
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
        return this.#openOfTarget(payload);
      case Message.globalRequest:
        return this.#globalOf('target', payload);
      default:
        return this.#other('target', payload);
    }
  }

  /** Asks the target for an answer, so that one that is gone is noticed. */
  askAlive(): void {
    this.#globalOfClient.swallow();
    this.#hands.ask(M.keepAlive());
  }

  /** Tells the client on each session's error stream why it ends, as far as there is room. */
  tell(words: string): void {
    for (const channel of this.#table)
      if (channel.kind === 'session' && channel.isOpen && !channel.closed.client)
        this.#sayError(channel, words);
  }

  /** Nothing more is heard. Gates say what they know of what is unfinished. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const channel of this.#table) this.#gateClosed(channel);
  }

  #gateClosed(channel: Channel): void {
    channel.gate?.closed({ note: (fact) => this.#hands.note({ ...fact, channel: channel.client }) });
  }

  #other(side: Side, payload: Uint8Array): void {
    if (!this.#answersGateway(side, payload)) this.#hands.record(side, payload);
    switch (payload[0]) {
      case Message.confirmation:
        return this.#confirmed(side, payload);
      case Message.openFailure:
        return this.#openFailed(side, payload);
      case Message.eof:
        return this.#eof(side, payload);
      case Message.close:
        return this.#close(side, payload);
      case Message.success:
      case Message.failure:
        return this.#channelReply(side, payload);
      case Message.requestSuccess:
      case Message.requestFailure:
        return this.#globalReply(side, payload);
      default:
        // No message of the connection protocol: nobody is told of what nobody knows.
        return undefined;
    }
  }

  /** As its question is not on the tape, the answer is not either: a reader would take it for another's. */
  #answersGateway(side: Side, payload: Uint8Array): boolean {
    const isGlobal = payload[0] === Message.requestSuccess || payload[0] === Message.requestFailure;
    return isGlobal && (side === 'target' ? this.#globalOfClient : this.#globalOfTarget).isOwnNext;
  }

  #channelOf(side: Side, payload: Uint8Array): Channel {
    const recipient = M.recipientOf(payload);
    return side === 'client' ? this.#table.ofClient(recipient) : this.#table.ofTarget(recipient);
  }

  #dataOfClient(payload: Uint8Array): void {
    const channel = this.#channelOf('client', payload);
    const isGated = channel.gate !== undefined && !channel.abandoned && !channel.noInput;
    if (isGated) return this.#gated.fromClient(channel, payload);
    this.#hands.record('client', payload);
    if (channel.abandoned || channel.closed.client) return;
    if (channel.kind === 'session' && channel.start === 'none')
      throw violation('the client sent data before it said what is to run');
    if (!channel.noInput) return this.#hands.pass('target', payload);
    const words = 'an approved command gets no input: connect with ssh -n, or put it into the command';
    this.#closeWithWords(channel, words, NOT_PERMITTED);
  }

  #dataOfTarget(payload: Uint8Array): void {
    const channel = this.#channelOf('target', payload);
    if (channel.gate !== undefined && !channel.abandoned) return this.#gated.fromTarget(channel, payload);
    this.#hands.record('target', payload);
    if (!channel.abandoned && !channel.closed.target) this.#hands.pass('client', payload);
  }

  /** The window of `side` grows: its peer may send more to it. */
  #adjusted(side: Side, payload: Uint8Array): void {
    this.#hands.record(side, payload);
    const channel = this.#channelOf(side, payload);
    if (channel.abandoned) return;
    const bytes = M.adjustOf(payload);
    const window = side === 'client' ? channel.clientWindow : channel.targetWindow;
    const told = channel.kind === 'session' ? window.adjust(bytes) : bytes;
    const to = side === 'client' ? 'target' : 'client';
    if (told === bytes) this.#hands.pass(to, payload);
    else if (told > 0) this.#hands.pass(to, M.withNumber(payload, 5, told));
    if (channel.gate !== undefined) this.#gated.roomFor(side, channel);
  }

  #openOfClient(payload: Uint8Array): void {
    this.#hands.record('client', payload);
    const open = M.readOpen(payload);
    const verdict = openedByClient(open, this.#terms);
    const refused = this.#refusalOf(verdict, 'client', open);
    if (refused !== undefined) return this.#hands.say(refused);
    const { kind, to } = verdict as { kind: ChannelKind; to?: string };
    const channel = this.#newChannel(kind, 'client');
    this.#table.setClient(open.sender, channel);
    channel.clientMaxPacket = open.maxPacket;
    if (kind !== 'session') {
      this.#hands.note({ note: 'ssh-forward', direction: kind, to, channel: open.sender, opener: 'client' });
      return this.#hands.pass('target', payload);
    }
    const window = channel.clientWindow.open(open.window);
    this.#hands.pass('target', M.withNumber(payload, M.openWindowAt(payload), window));
  }

  #openOfTarget(payload: Uint8Array): void {
    this.#hands.record('target', payload);
    const open = M.readOpen(payload);
    const verdict = openedByTarget(open, this.#forwardings);
    const refused = this.#refusalOf(verdict, 'target', open);
    if (refused !== undefined) return this.#hands.ask(refused);
    const { kind, to } = verdict as { kind: ChannelKind; to?: string };
    const channel = this.#newChannel(kind, 'target');
    this.#table.setTarget(open.sender, channel);
    this.#hands.note({ note: 'ssh-forward', direction: kind, to, channel: open.sender, opener: 'target' });
    this.#hands.pass('client', payload);
  }

  #refusalOf(verdict: OpenVerdict, side: Side, open: M.Open): Uint8Array | undefined {
    if ('refused' in verdict) {
      const { refused, reason, to } = verdict;
      this.#noteRefused(side, 'open', open.type, refused, to);
      return M.openFailure(open.sender, reason, refused);
    }
    if (!this.#table.isFull) return undefined;
    return M.openFailure(
      open.sender,
      M.OpenFailure.resourceShortage,
      'this connection has too many channels',
    );
  }

  #newChannel(kind: ChannelKind, opener: Side): Channel {
    return new Channel(kind, opener, {
      toTarget: new Replies((message) => this.#hands.say(message)),
      toClient: new Replies((message) => this.#hands.ask(message)),
      gated: kind === 'session' && this.#terms.gates !== undefined,
    });
  }

  /** `side` confirms what the other opened. */
  #confirmed(side: Side, payload: Uint8Array): void {
    const channel = this.#beingOpened(side, payload);
    const { sender, window, maxPacket } = M.readConfirmation(payload);
    if (side === 'client') {
      this.#table.setClient(sender, channel);
      return this.#hands.pass('target', payload);
    }
    this.#table.setTarget(sender, channel);
    channel.targetMaxPacket = maxPacket;
    if (channel.kind !== 'session') return this.#hands.pass('client', payload);
    const told = channel.targetWindow.open(window);
    this.#hands.pass('client', M.withNumber(payload, M.CONFIRMATION_WINDOW_AT, told));
  }

  #openFailed(side: Side, payload: Uint8Array): void {
    this.#table.delete(this.#beingOpened(side, payload));
    this.#hands.pass(side === 'client' ? 'target' : 'client', payload);
  }

  #beingOpened(side: Side, payload: Uint8Array): Channel {
    const channel = this.#channelOf(side, payload);
    if (channel.opener === side || channel.isOpen)
      throw violation(`the ${side} answers what nobody asked it`);
    return channel;
  }

  #eof(side: Side, payload: Uint8Array): void {
    const channel = this.#channelOf(side, payload);
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
    const channel = this.#channelOf(side, payload);
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
    const channel = this.#channelOf(side, payload);
    const replies = side === 'target' ? channel.toTarget : channel.toClient;
    if (replies.take(payload[0] === Message.success, payload) && !(channel.abandoned && side === 'client'))
      this.#hands.pass(side === 'target' ? 'client' : 'target', payload);
    replies.sayNext();
  }

  #globalReply(side: Side, payload: Uint8Array): void {
    const replies = side === 'target' ? this.#globalOfClient : this.#globalOfTarget;
    if (replies.take(payload[0] === Message.requestSuccess, payload))
      this.#hands.pass(side === 'target' ? 'client' : 'target', payload);
    replies.sayNext();
  }

  #globalOf(side: Side, payload: Uint8Array): void {
    this.#hands.record(side, payload);
    const request = M.readGlobalRequest(payload);
    const { name, wantReply } = request;
    const replies = side === 'client' ? this.#globalOfClient : this.#globalOfTarget;
    const verdict = side === 'client' ? this.#forwardings.asked(request) : globalOfTarget(name);
    if (verdict === 'swallow') return;
    if (verdict !== 'pass' && 'words' in verdict) {
      this.#noteRefused(side, 'global-request', name, verdict.words, verdict.to);
      if (wantReply) replies.answer(M.requestFailure());
      return;
    }
    if (wantReply) replies.expect(verdict === 'pass' ? undefined : verdict.answered);
    this.#hands.pass(side === 'client' ? 'target' : 'client', payload);
  }

  #requestOfTarget(payload: Uint8Array): void {
    this.#hands.record('target', payload);
    const { name, wantReply, recipient } = M.readChannelRequest(payload);
    const channel = this.#table.ofTarget(recipient);
    if (channel.abandoned || channel.closed.target) return;
    const known = channel.kind === 'session' ? REQUESTS_OF_TARGET : REQUESTS_ANYWHERE;
    if (known.has(name)) {
      if (wantReply) channel.toClient.expect();
      return this.#hands.pass('client', payload);
    }
    this.#noteRefused('target', 'request', name, 'the gateway does not know this request');
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
      return this.#refuseRequest(channel, request, 'the gateway does not know this request');
    }
    const verdict = requestedByClient(request, this.#terms);
    switch (verdict.kind) {
      case 'refuse':
        return this.#refuseRequest(channel, request, verdict.words);
      case 'start':
        return this.#start(channel, request, verdict.start, payload);
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

  #refuseRequest(channel: Channel, { name, wantReply }: M.ChannelRequest, words: string): void {
    this.#noteRefused('client', 'request', name, words);
    if (wantReply) channel.toTarget.answer(M.about(Message.failure, channel.client!));
  }

  /** A shell, a command or a subsystem: one a channel (RFC 4254 section 6.5), and each by the same way. */
  #start(channel: Channel, request: M.ChannelRequest, asked: ChannelStart, payload: Uint8Array): void {
    if (channel.start !== 'none')
      return this.#refuseRequest(channel, request, 'the channel runs something already');
    const runs = startFor(asked, this.#terms);
    if ('words' in runs) return this.#refuseStart(channel, request, asked, runs.words);
    const verdict = this.#terms.gates?.(runs.start, { pty: channel.pty });
    if (verdict !== undefined && 'words' in verdict)
      return this.#refuseStart(channel, request, asked, verdict.words);
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

  /** The grant becomes this session's before the first approved command goes on; what the client sends meanwhile waits. */
  #claimFirst(message: Uint8Array, channel: Channel, go: (message: Uint8Array) => void): void {
    this.#held = [];
    this.#hands
      .claim()
      .then(() => {
        this.#claimed = true;
        const held = this.#held ?? [];
        this.#held = undefined;
        if (this.#over) return;
        if (!channel.closed.target) go(message);
        for (const payload of held) this.fromClient(payload);
        this.#hands.resumed();
      })
      .catch((error: unknown) => this.#hands.end(error as CustodyError));
  }

  #refuseStart(channel: Channel, request: M.ChannelRequest, asked: ChannelStart, words: string): void {
    this.#noteRefused('client', 'start', request.name, words, startText(asked));
    // A client that is told no by a failure says no more than that one came: this way the person reads why.
    if (request.wantReply) channel.toTarget.answer(M.about(Message.success, channel.client!));
    this.#closeWithWords(channel, words, NOT_PERMITTED);
  }

  /** Words and an exit status for the client, a CLOSE for the target; the target's own CLOSE then ends the channel at the client. */
  #closeWithWords(channel: Channel, words: string, status: number): void {
    if (channel.abandoned) return;
    const last = [M.exitStatus(channel.client!, status), M.about(Message.eof, channel.client!)];
    channel.toTarget.answer(...this.#errorMessages(channel, words), ...last);
    channel.abandoned = true;
    this.#hands.ask(M.about(Message.close, channel.target!));
  }

  #sayError(channel: Channel, words: string): void {
    channel.toTarget.flush();
    for (const message of this.#errorMessages(channel, words)) this.#hands.say(message);
  }

  #errorMessages(channel: Channel, words: string): Uint8Array[] {
    const lineEnd = channel.pty ? '\r\n' : '\n';
    const lines = words.split('\n').map((line) => `custody: ${line}${lineEnd}`);
    const bytes = Buffer.from((channel.pty ? lineEnd : '') + lines.join('')).subarray(
      0,
      channel.clientWindow.reserve,
    );
    channel.clientWindow.spend(bytes.length);
    return [...pieces(bytes, channel.clientMaxPacket)].map((piece) => M.extendedData(channel.client!, piece));
  }

  #noteRefused(by: Side, what: string, name: string, words: string, to?: string): void {
    this.#hands.note({ note: 'ssh-refused', by, what, name, ...(to === undefined ? {} : { to }), words });
  }
}

/** Of the target's global requests: its host keys are the gateway's business alone. */
function globalOfTarget(name: string): 'pass' | 'swallow' | { readonly words: string; readonly to?: string } {
  if (name === 'hostkeys-00@openssh.com') return 'swallow';
  if (name === 'keepalive@openssh.com') return 'pass';
  return { words: 'the gateway does not know this request' };
}

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
