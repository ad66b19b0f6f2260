import { violation } from '#core/protocols/ssh/wire.ts';
import type { ChannelTapeRequest, Side, Speaker, TapeChannel } from './tape-events.ts';

/** A channel as the tape knows it. */
interface Entry {
  readonly channel: TapeChannel;
  /** What the client asked for and waits for, oldest first. */
  readonly waiting: ChannelTapeRequest[];
}

/** The channels of one tape that are not closed, by the numbers of either side. */
export class TapeChannels {
  readonly #most: number;
  readonly #pending: number;
  readonly #byClient = new Map<number, Entry>();
  readonly #byTarget = new Map<number, Entry>();
  /** Opened by the side, and not confirmed by the other. */
  readonly #opening = { client: new Map<number, Entry>(), target: new Map<number, Entry>() };
  #opened = 0;

  constructor({ channels, pending }: { readonly channels: number; readonly pending: number }) {
    this.#most = channels;
    this.#pending = pending;
  }

  /** The channel is numbered here. One of the same number that nobody confirmed is given back: nothing came of it. */
  open(
    opener: Side,
    sender: number,
    facts: Omit<TapeChannel, 'number' | 'opener' | 'confirmed' | 'closed'>,
  ): { readonly channel: TapeChannel; readonly forgotten?: TapeChannel } {
    const opening = this.#opening[opener];
    const forgotten = opening.get(sender)?.channel;
    if (this.#size >= this.#most) throw violation('more channels than a connection has');
    this.#opened += 1;
    const channel: TapeChannel = {
      ...facts,
      number: this.#opened,
      opener,
      [opener]: sender,
      confirmed: false,
      closed: { client: false, target: false },
    };
    opening.set(sender, { channel, waiting: [] });
    return forgotten === undefined ? { channel } : { channel, forgotten };
  }

  /** The peer of the opener says what number it has of the channel. */
  confirm(by: Side, recipient: number, sender: number): void {
    const opener = by === 'client' ? 'target' : 'client';
    const entry = this.#take(opener, recipient);
    entry.channel[by] = sender;
    entry.channel.confirmed = true;
    this.#byClient.set(entry.channel.client!, entry);
    this.#byTarget.set(entry.channel.target!, entry);
  }

  /** What the side tried to open is not there. */
  fail(opener: Side, recipient: number): TapeChannel {
    return this.#take(opener, recipient).channel;
  }

  /** Whom a message of that speaker's names. */
  of(speaker: Speaker, recipient: number): TapeChannel {
    return this.#entry(speaker, recipient).channel;
  }

  /** The client waits for an answer. */
  asked(recipient: number, request: ChannelTapeRequest): void {
    const { waiting } = this.#entry('client', recipient);
    if (waiting.length >= this.#pending) throw violation('more requests than anybody lets wait');
    waiting.push(request);
  }

  answered(speaker: 'target' | 'gateway', recipient: number): ChannelTapeRequest | undefined {
    return this.#entry(speaker, recipient).waiting.shift();
  }

  /** True once both sides have closed it: it is forgotten. */
  close(side: Side, channel: TapeChannel): boolean {
    channel.closed[side] = true;
    if (!channel.closed.client || !channel.closed.target) return false;
    this.#byClient.delete(channel.client!);
    this.#byTarget.delete(channel.target!);
    return true;
  }

  /** By the number that notes have: the client's, or of a channel that the target opens the target's. */
  named(number: number): TapeChannel | undefined {
    return (
      this.#byClient.get(number) ??
      this.#opening.client.get(number) ??
      this.#opening.target.get(number)
    )?.channel;
  }

  get #size(): number {
    return this.#byClient.size + this.#opening.client.size + this.#opening.target.size;
  }

  #entry(speaker: Speaker, recipient: number): Entry {
    const entry = (speaker === 'client' ? this.#byTarget : this.#byClient).get(recipient);
    if (entry === undefined) throw violation(`the ${speaker} speaks of a channel that is not there`);
    return entry;
  }

  #take(opener: Side, number: number): Entry {
    const entry = this.#opening[opener].get(number);
    if (entry === undefined) throw violation(`an answer to a channel that the ${opener} did not open`);
    this.#opening[opener].delete(number);
    return entry;
  }
}
