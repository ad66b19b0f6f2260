import { violation } from '../wire.ts';
import type { Channel, Side } from './channel.ts';

/** Channels of one connection at once. */
export const CHANNELS_MAX = 1024;

/** The channels of one connection, by the numbers of either side. A number is free again once both have closed. */
export class ChannelTable {
  readonly #byClient = new Map<number, Channel>();
  readonly #byTarget = new Map<number, Channel>();

  get size(): number {
    return Math.max(this.#byClient.size, this.#byTarget.size);
  }

  get isFull(): boolean {
    return this.size >= CHANNELS_MAX;
  }

  *[Symbol.iterator](): Generator<Channel> {
    yield* this.#byClient.values();
    for (const channel of this.#byTarget.values()) if (channel.client === undefined) yield channel;
  }

  setClient(number: number, channel: Channel): void {
    if (this.#byClient.has(number)) throw violation('the client uses the number of a channel twice');
    this.#byClient.set(number, channel);
    channel.client = number;
  }

  setTarget(number: number, channel: Channel): void {
    if (this.#byTarget.has(number)) throw violation('the target uses the number of a channel twice');
    this.#byTarget.set(number, channel);
    channel.target = number;
  }

  /** The channel that this side calls by the other's number. */
  of(side: Side, recipient: number): Channel {
    return side === 'client' ? this.ofClient(recipient) : this.ofTarget(recipient);
  }

  /** The channel that the client calls by the target's number. */
  ofClient(recipient: number): Channel {
    const channel = this.#byTarget.get(recipient);
    if (channel === undefined) throw violation('the client speaks of a channel that is not there');
    return channel;
  }

  /** The channel that the target calls by the client's number. */
  ofTarget(recipient: number): Channel {
    const channel = this.#byClient.get(recipient);
    if (channel === undefined) throw violation('the target speaks of a channel that is not there');
    return channel;
  }

  delete({ client, target }: Channel): void {
    if (client !== undefined) this.#byClient.delete(client);
    if (target !== undefined) this.#byTarget.delete(target);
  }
}
