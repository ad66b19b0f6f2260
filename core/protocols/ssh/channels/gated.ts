import { violation } from '../wire.ts';
import { type Channel, pieces, type Side } from './channel.ts';
import type { GateHands } from './gate.ts';
import * as M from './messages.ts';

/** Of a payload, from a byte to the one before another. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What waits for room in a window, of one direction of one channel. */
const WAITING_MAX = 1 << 20;

interface GatedHands {
  record(side: Side, payload: Uint8Array, withheld?: readonly Range[]): void;
  pass(to: Side, payload: Uint8Array): void;
  say(payload: Uint8Array): void;
  ask(payload: Uint8Array): void;
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void;
}

/** `own`: the gateway's, for which its reserve of the window has to do. */
type Item =
  | { readonly bytes: Uint8Array; readonly error: boolean; readonly own: boolean }
  | { readonly message: Uint8Array };

interface Line {
  items: Item[];
  bytes: number;
}

/** Data of channels that have a gate: asks the gate, records, then does what it said, within the windows. */
export class GatedData {
  readonly #hands: GatedHands;
  readonly #close: (channel: Channel, words: string, status: number) => void;
  readonly #lines = new Map<Channel, Record<Side, Line>>();

  constructor(hands: GatedHands, close: (channel: Channel, words: string, status: number) => void) {
    this.#hands = hands;
    this.#close = close;
  }

  fromClient(channel: Channel, payload: Uint8Array): void {
    const bytes = M.dataOf(payload);
    if (payload[0] !== M.Message.data)
      throw violation('the client sent data that is neither input nor output');
    this.#turn(channel, 'client', payload, bytes, (acts) => channel.gate!.fromClient(bytes, acts));
  }

  fromTarget(channel: Channel, payload: Uint8Array): void {
    const bytes = M.dataOf(payload);
    const error = payload[0] === M.Message.extendedData;
    if (error && M.extendedKind(payload) !== M.STDERR)
      throw violation('the target sent data of an unknown kind');
    this.#turn(channel, 'target', payload, bytes, (acts) => channel.gate!.fromTarget(bytes, acts, error));
  }

  /** One side sends no more on the channel; the message that said so is recorded. */
  ended(side: Side, channel: Channel): void {
    const acts = new Acts();
    channel.gate!.ended(side, acts);
    this.#do(channel, acts);
  }

  /** True when the message has to wait until what the gate says before it is said. */
  waitsBehind(to: Side, channel: Channel, payload: Uint8Array): boolean {
    const line = this.#lines.get(channel)?.[to];
    if (line === undefined || line.items.length === 0) return false;
    line.items.push({ message: Uint8Array.from(payload) });
    return true;
  }

  /** The side that data goes to has made room. */
  roomFor(to: Side, channel: Channel): void {
    const line = this.#lines.get(channel)?.[to];
    if (line === undefined) return;
    for (
      let next = line.items[0];
      next !== undefined && this.#send(channel, to, next);
      next = line.items[0]
    ) {
      const sent = line.items.shift()!;
      if ('bytes' in sent) line.bytes -= sent.bytes.length;
    }
  }

  forget(channel: Channel): void {
    this.#lines.delete(channel);
  }

  #turn(
    channel: Channel,
    side: Side,
    payload: Uint8Array,
    bytes: Uint8Array,
    ask: (acts: Acts) => void,
  ): void {
    const acts = new Acts();
    ask(acts);
    this.#hands.record(side, payload, acts.withheldIn(payload.length - bytes.length, bytes.length));
    if (channel.closed[side]) return;
    const to = side === 'client' ? 'target' : 'client';
    // Most of what passes does so as it came.
    if (acts.isJust(bytes) && !this.#isWaiting(channel, to)) return this.#hands.pass(to, payload);
    this.#do(channel, acts);
  }

  #do(channel: Channel, acts: Acts): void {
    for (const act of acts.list) {
      if (channel.abandoned) return;
      switch (act.kind) {
        case 'send':
          this.#sendInTurn(channel, act.to, { bytes: act.bytes, error: act.error, own: act.own });
          break;
        case 'drop':
          this.#giveBack(channel, act.side, act.bytes);
          break;
        case 'note':
          this.#hands.note({ ...act.fact, channel: channel.client });
          break;
        case 'close':
          this.#close(channel, act.words, act.status);
      }
    }
  }

  #isWaiting(channel: Channel, to: Side): boolean {
    return (this.#lines.get(channel)?.[to].items.length ?? 0) > 0;
  }

  #sendInTurn(channel: Channel, to: Side, item: Extract<Item, { bytes: Uint8Array }>): void {
    if (channel.closed[to] || item.bytes.length === 0) return;
    if (!this.#isWaiting(channel, to) && this.#send(channel, to, item)) return;
    const lines = this.#lines.get(channel) ?? {
      client: { items: [], bytes: 0 },
      target: { items: [], bytes: 0 },
    };
    this.#lines.set(channel, lines);
    const line = lines[to];
    line.bytes += item.bytes.length;
    // What passes is bounded by the windows; what the gateway says is not, where a peer makes it speak and does not listen.
    if (item.own && line.bytes > WAITING_MAX) throw violation(`the ${to} does not take what it is told`);
    line.items.push({ ...item, bytes: Uint8Array.from(item.bytes) });
  }

  /** False where there is no room yet. */
  #send(channel: Channel, to: Side, item: Item): boolean {
    if ('message' in item) {
      this.#hands.pass(to, item.message);
      return true;
    }
    const { bytes, error, own } = item;
    const window = to === 'client' ? channel.clientWindow : channel.targetWindow;
    if (own && window.reserve < bytes.length) return false;
    if (own) window.spend(bytes.length);
    const number = to === 'client' ? channel.client! : channel.target!;
    const most = to === 'client' ? channel.clientMaxPacket : channel.targetMaxPacket;
    for (const piece of pieces(bytes, most)) {
      const message = error ? M.extendedData(number, piece) : M.data(number, piece);
      if (!own) this.#hands.pass(to, message);
      else if (to === 'client') this.#hands.say(message);
      else this.#hands.ask(message);
    }
    return true;
  }

  /** Bytes that never reach the other side have taken nothing of its window. */
  #giveBack(channel: Channel, side: Side, bytes: number): void {
    const back = (side === 'client' ? channel.targetWindow : channel.clientWindow).drop(bytes);
    if (back === 0 || channel.closed[side]) return;
    if (side === 'client') this.#hands.say(M.windowAdjust(channel.client!, back));
    else this.#hands.ask(M.windowAdjust(channel.target!, back));
  }
}

type Act =
  | {
      readonly kind: 'send';
      readonly to: Side;
      readonly bytes: Uint8Array;
      readonly error: boolean;
      readonly own: boolean;
    }
  | { readonly kind: 'drop'; readonly side: Side; readonly bytes: number }
  | { readonly kind: 'note'; readonly fact: { readonly note: string } & Readonly<Record<string, unknown>> }
  | { readonly kind: 'close'; readonly words: string; readonly status: number };

/** What a gate wants done, in its order. */
class Acts implements GateHands {
  readonly list: Act[] = [];
  #withheld: Range[] | undefined;

  /** Nothing happens but that the very bytes go on. */
  isJust(bytes: Uint8Array): boolean {
    const [only] = this.list;
    return this.list.length === 1 && only?.kind === 'send' && only.bytes === bytes && !only.own;
  }

  toTarget(bytes: Uint8Array): void {
    this.list.push({ kind: 'send', to: 'target', bytes, error: false, own: false });
  }

  toClient(bytes: Uint8Array, error = false): void {
    this.list.push({ kind: 'send', to: 'client', bytes, error, own: false });
  }

  say(bytes: Uint8Array, error = false): void {
    this.list.push({ kind: 'send', to: 'client', bytes, error, own: true });
  }

  ask(bytes: Uint8Array): void {
    this.list.push({ kind: 'send', to: 'target', bytes, error: false, own: true });
  }

  drop(side: Side, bytes: number): void {
    this.list.push({ kind: 'drop', side, bytes });
  }

  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void {
    this.list.push({ kind: 'note', fact });
  }

  close(words: string, status: number): void {
    this.list.push({ kind: 'close', words, status });
  }

  withhold(from: number, to: number): void {
    this.#withheld ??= [];
    this.#withheld.push({ from, to });
  }

  /** In terms of the whole payload, of which the data begins at `at`. */
  withheldIn(at: number, length: number): readonly Range[] | undefined {
    return this.#withheld?.map(({ from, to }) => ({
      from: at + Math.min(from, length),
      to: at + Math.min(to, length),
    }));
  }
}
