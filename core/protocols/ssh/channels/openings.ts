/** How channels come to be: what either side may open, and what the other answers (RFC 4254 section 5.1). */
import { violation } from '../wire.ts';
import { Channel, type ChannelKind, type Side } from './channel.ts';
import type { Forwardings } from './forwardings.ts';
import type { ConnectionHands } from './hands.ts';
import * as M from './messages.ts';
import { type OpenVerdict, openedByClient, openedByTarget } from './opening.ts';
import type { OwnWords } from './own-words.ts';
import { Replies } from './replies.ts';
import type { ChannelTable } from './table.ts';
import type { SessionTerms } from './terms.ts';

export interface OpeningsParts {
  readonly terms: SessionTerms;
  readonly hands: ConnectionHands;
  readonly words: OwnWords;
  readonly table: ChannelTable;
  readonly forwardings: Forwardings;
}

export class Openings {
  readonly #terms: SessionTerms;
  readonly #hands: ConnectionHands;
  readonly #words: OwnWords;
  readonly #table: ChannelTable;
  readonly #forwardings: Forwardings;

  constructor({ terms, hands, words, table, forwardings }: OpeningsParts) {
    this.#terms = terms;
    this.#hands = hands;
    this.#words = words;
    this.#table = table;
    this.#forwardings = forwardings;
  }

  byClient(payload: Uint8Array): void {
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

  byTarget(payload: Uint8Array): void {
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
      this.#words.refused(side, 'open', open.type, refused, to);
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
  confirmed(side: Side, payload: Uint8Array): void {
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

  failed(side: Side, payload: Uint8Array): void {
    this.#table.delete(this.#beingOpened(side, payload));
    this.#hands.pass(side === 'client' ? 'target' : 'client', payload);
  }

  #beingOpened(side: Side, payload: Uint8Array): Channel {
    const channel = this.#table.of(side, M.recipientOf(payload));
    if (channel.opener === side || channel.isOpen)
      throw violation(`the ${side} answers what nobody asked it`);
    return channel;
  }
}
