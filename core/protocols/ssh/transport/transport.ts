/** One leg's transport: packets, key exchanges and what is said between them (RFC 4253). */
import { randomBytes } from 'node:crypto';
import { SshReader, violation } from '../wire.ts';
import { cipherKind, macKind } from './ciphers.ts';
import { deriveKeys } from './derive.ts';
import { answerExchange, beginExchange, exchanged, type Outcome, type Said } from './exchange.ts';
import type { Random } from './exchange-methods.ts';
import type { ServerHostKey } from './host-key.ts';
import { serverHostKey } from './host-key.ts';
import {
  type Agreement,
  agree,
  demandNoCompression,
  EXT_INFO,
  encodeKexInit,
  guessIsRight,
  type KexInit,
  type Offer,
  readKexInit,
  STRICT,
} from './kexinit.ts';
import { MESSAGE } from './numbers.ts';
import { clientOffer, leaningToGcm, serverOffer, withoutFragile } from './offers.ts';
import { PacketReader } from './packets-in.ts';
import { PacketWriter } from './packets-out.ts';
import type {
  AgreedKeys,
  ClientOptions,
  ServerOptions,
  Transport,
  TransportEvents,
  TransportOptions,
} from './types.ts';
import { VERSION, VersionReader } from './version.ts';
import { concat, message, string, uint32 } from './wire.ts';

const REKEY_BYTES = 1 << 30;
const REKEY_MS = 3_600_000;
/** Whatever else is configured (RFC 4344 section 3.1): new keys are asked for here, and nothing passes beyond twice it. */
const REKEY_PACKETS = 2 ** 30;
const MAX_PACKETS = 2 ** 31;
/** Chatter before the first offer; no peer has much to say there. */
const MAX_BEFORE_OFFER = 64;
/** Answers of our own that wait for the end of an exchange: a peer that asks for more is filling our memory. */
const MAX_WAITING_ANSWERS = 64;
const WORDS_MAX = 1024;
const EXTENSIONS_MAX = 64;
const EXTENSION_MAX_BYTES = 16 << 10;
/** Key exchanges of one who has not logged in: each costs us far more than it costs them. */
const MAX_STRANGER_EXCHANGES = 16;

/** A key exchange on its way. */
interface Exchange {
  readonly ours: { readonly offer: Offer; readonly init: Uint8Array };
  theirs?: { readonly offer: KexInit; readonly init: Uint8Array };
  agreement?: Agreement;
  finish?: (payload: Uint8Array) => Outcome;
  outcome?: Outcome;
  /** The peer's first message of the exchange was a wrong guess and is skipped. */
  skipGuess: boolean;
}

type Role =
  | { readonly side: 'server'; readonly keys: readonly ServerHostKey[]; readonly options: ServerOptions }
  | { readonly side: 'client'; readonly options: ClientOptions };

export function serverTransport(options: ServerOptions, events: TransportEvents): Transport {
  return new Leg({ side: 'server', keys: options.hostKeys.map(serverHostKey), options }, options, events);
}

export function clientTransport(options: ClientOptions, events: TransportEvents): Transport {
  return new Leg({ side: 'client', options }, options, events);
}

class Leg implements Transport {
  readonly #role: Role;
  readonly #options: TransportOptions;
  readonly #events: TransportEvents;
  readonly #random: Random;
  readonly #version: string;
  readonly #in = new PacketReader();
  readonly #out: PacketWriter;
  #versions: VersionReader | undefined;
  #peerVersion = '';
  #exchange: Exchange | undefined;
  #offer: Offer | undefined;
  #keys: AgreedKeys | undefined;
  #strict = false;
  #keyedAt = 0;
  /** Messages that wait for the end of an exchange, and our own answers among them. */
  #waiting: Uint8Array[] = [];
  #extensions = new Map<string, Uint8Array>();
  #ended = false;
  #beforeOffer = 0;
  #answers = 0;
  #exchanges = 0;
  /** The peer has logged in, or is the server. */
  #known: boolean;

  constructor(role: Role, options: TransportOptions, events: TransportEvents) {
    this.#role = role;
    this.#known = role.side === 'client';
    this.#options = options;
    this.#events = events;
    this.#random = options.random ?? randomBytes;
    this.#version = options.version ?? VERSION;
    this.#versions = new VersionReader(role.side === 'client');
    this.#out = new PacketWriter((bytes) => events.write(bytes), this.#random);
  }

  get keys(): AgreedKeys | undefined {
    return this.#keys;
  }

  get extensions(): ReadonlyMap<string, Uint8Array> {
    return this.#extensions;
  }

  get held(): boolean {
    return this.#exchange !== undefined || this.#keys === undefined;
  }

  start(): void {
    this.#out.cork();
    this.#out.raw(Buffer.from(`${this.#version}\r\n`, 'latin1'));
    // A server listens first: by its version line and offer it may choose its own (see `#offerFor`).
    if (this.#role.side === 'client') this.#begin(clientOffer(this.#role.options));
    this.#out.uncork();
  }

  receive(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#out.cork();
    try {
      const used = this.#versions === undefined ? 0 : this.#takeVersion(this.#versions, bytes);
      if (this.#versions === undefined) this.#takePackets(used === 0 ? bytes : bytes.subarray(used));
      this.#rekeyWhenDue();
    } finally {
      this.#out.uncork();
    }
  }

  send(payload: Uint8Array): void {
    if (this.#ended) return;
    if (this.held) {
      this.#waiting.push(Uint8Array.from(payload));
      return;
    }
    this.#seal(payload);
    if (this.#spent(this.#out)) this.rekey();
  }

  cork(): void {
    this.#out.cork();
  }

  uncork(): void {
    this.#out.uncork();
  }

  unimplemented(): void {
    this.#say(message(MESSAGE.unimplemented, uint32((this.#in.sequence - 1) >>> 0)));
  }

  disconnect(reason: number, words: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting = [];
    const text = string(words.slice(0, WORDS_MAX));
    this.#out.send(message(MESSAGE.disconnect, uint32(reason), text, string('')));
    this.#out.flush();
  }

  rekey(): void {
    if (this.held || this.#ended) return;
    this.#begin(this.#ownOffer());
  }

  #takeVersion(versions: VersionReader, bytes: Uint8Array): number {
    const read = versions.take(bytes);
    if (read === undefined) return bytes.length;
    this.#versions = undefined;
    this.#peerVersion = read.version;
    if (this.#role.side === 'server' && !speaksFirst(read.version)) this.#begin(this.#ownOffer());
    return read.used;
  }

  #takePackets(bytes: Uint8Array): void {
    this.#in.take(bytes, (payload) => {
      this.#take(payload);
      return !this.#ended;
    });
  }

  /** The one that was made before, so that new keys do not bring another cipher. */
  #ownOffer(): Offer {
    const role = this.#role;
    const whole =
      this.#offer ?? (role.side === 'server' ? serverOffer(role.keys) : clientOffer(role.options));
    return this.#keys !== undefined && !this.#strict ? withoutFragile(whole) : whole;
  }

  #begin(offer: Offer): void {
    const side = this.#role.side;
    const markers = this.#keys === undefined ? [EXT_INFO[side], STRICT[side]] : [];
    const init = encodeKexInit(offer, markers, this.#random(16));
    this.#offer = offer;
    this.#exchange = { ours: { offer, init }, skipGuess: false };
    this.#out.send(init);
  }

  /** A message of any number, in whatever state. */
  #take(payload: Uint8Array): void {
    if (this.#in.packets > MAX_PACKETS) throw violation('too many packets under the same keys');
    const number = payload[0]!;
    if (number === MESSAGE.disconnect) return this.#disconnected(payload);
    if (this.#exchange?.theirs !== undefined) return this.#takeInExchange(number, payload);
    if (number === MESSAGE.kexInit) return this.#takeOffer(payload);
    if (isChatter(number)) {
      if (this.#keys === undefined && (this.#beforeOffer += 1) > MAX_BEFORE_OFFER)
        throw violation('the peer does not begin to exchange keys');
      return undefined;
    }
    if (this.#keys === undefined) throw violation('a message came before the keys were exchanged');
    return this.#takeAbove(number, payload);
  }

  #takeAbove(number: number, payload: Uint8Array): void {
    if (number === MESSAGE.ping) return this.#say(message(MESSAGE.pong, payload.subarray(1)));
    if (number === MESSAGE.pong) return undefined;
    if (number === MESSAGE.extInfo) this.#takeExtensions(payload);
    else if (number === MESSAGE.authSuccess && this.#role.side === 'client') this.#in.allowMore();
    if ((number >= MESSAGE.serviceRequest && number <= MESSAGE.extInfo) || (number >= 50 && number <= 127))
      return this.#events.message(payload);
    // Messages of an exchange without one are no unknown messages.
    if (number >= MESSAGE.newKeys && number < 50) throw violation('a key exchange message out of turn');
    return this.unimplemented();
  }

  /** Between the peer's offer and its new keys: nothing but the exchange (section 7.1), and in the first strict one not even chatter. */
  #takeInExchange(number: number, payload: Uint8Array): void {
    const exchange = this.#exchange!;
    if (isChatter(number)) {
      if (this.#strict && this.#keys === undefined)
        throw violation('a message in the midst of a strict key exchange');
      return undefined;
    }
    if (exchange.skipGuess && number >= 30 && number < 50) {
      exchange.skipGuess = false;
      return undefined;
    }
    if (number === MESSAGE.exchangeInit && this.#role.side === 'server' && exchange.outcome === undefined)
      return this.#answer(exchange, this.#role, payload);
    if (number === MESSAGE.exchangeReply && this.#role.side === 'client' && exchange.outcome === undefined)
      return this.#finish(exchange, this.#role, payload);
    if (number === MESSAGE.newKeys && exchange.outcome !== undefined)
      return this.#takeNewKeys(exchange, payload);
    throw violation('a message out of turn in a key exchange', `message ${number}`);
  }

  #takeOffer(payload: Uint8Array): void {
    const offer = readKexInit(payload);
    demandNoCompression(offer);
    if (!this.#known && (this.#exchanges += 1) > MAX_STRANGER_EXCHANGES)
      throw violation('the client exchanges keys and does not log in');
    const first = this.#keys === undefined;
    if (first)
      this.#strict = offer.kex.includes(this.#role.side === 'server' ? STRICT.client : STRICT.server);
    // Whatever came before it was injected, or the peer is none that is strict (OpenSSH's PROTOCOL, section 1.10).
    if (first && this.#strict && this.#in.sequence !== 1)
      throw violation('a message came before a strict key exchange');
    if (this.#exchange === undefined) this.#begin(this.#offerFor(offer));
    const exchange = this.#exchange!;
    exchange.theirs = { offer, init: Uint8Array.from(payload) };
    this.#agree(exchange, offer);
  }

  /** Ours, where the peer's is known already. */
  #offerFor(theirs: KexInit): Offer {
    const own = this.#ownOffer();
    if (this.#role.side !== 'server') return own;
    return leaningToGcm(this.#strict ? own : withoutFragile(own), theirs);
  }

  #agree(exchange: Exchange, theirs: KexInit): void {
    const server = this.#role.side === 'server';
    const ours = exchange.ours.offer;
    const agreement = server ? agree(theirs, ours) : agree(ours, theirs);
    if (!this.#strict) demandSturdy(agreement);
    exchange.agreement = agreement;
    exchange.skipGuess = theirs.guessFollows && !guessIsRight(theirs, ours);
    if (server) return;
    const begun = beginExchange(agreement, this.#said(exchange), this.#random);
    exchange.finish = (payload) => begun.finish(payload);
    this.#out.send(begun.init);
  }

  #said(exchange: Exchange): Said {
    const server = this.#role.side === 'server';
    const ours = exchange.ours.init;
    const theirs = exchange.theirs!.init;
    return {
      clientVersion: server ? this.#peerVersion : this.#version,
      serverVersion: server ? this.#version : this.#peerVersion,
      clientInit: server ? theirs : ours,
      serverInit: server ? ours : theirs,
    };
  }

  #answer(exchange: Exchange, role: Role & { side: 'server' }, payload: Uint8Array): void {
    const { reply, ...outcome } = answerExchange(
      payload,
      exchange.agreement!,
      this.#said(exchange),
      role.keys,
      this.#random,
    );
    this.#out.send(reply);
    this.#changeOut(exchange, outcome);
  }

  #finish(exchange: Exchange, role: Role & { side: 'client' }, payload: Uint8Array): void {
    const outcome = exchange.finish!(payload);
    role.options.hostKey(outcome.hostKey, exchange.agreement!.hostKeyAlgorithm);
    this.#changeOut(exchange, outcome);
  }

  /** Our NEWKEYS, and new keys for everything that we say after it. */
  #changeOut(exchange: Exchange, outcome: Outcome): void {
    exchange.outcome = outcome;
    const first = this.#keys === undefined;
    this.#out.send(message(MESSAGE.newKeys));
    const direction = this.#role.side === 'server' ? 'toClient' : 'toServer';
    const { kind, keys, mac } = this.#newKeys(exchange, outcome, direction);
    this.#out.useKeys(kind.sealer(keys, mac), this.#strict);
    if (first && this.#role.side === 'server') this.#sayExtensions(exchange, this.#role.options);
  }

  #takeNewKeys(exchange: Exchange, payload: Uint8Array): void {
    if (payload.length !== 1) throw violation('a message is longer than what it holds');
    const outcome = exchange.outcome!;
    const agreement = exchange.agreement!;
    const direction = this.#role.side === 'server' ? 'toServer' : 'toClient';
    const { kind, keys, mac } = this.#newKeys(exchange, outcome, direction);
    this.#in.useKeys(kind.opener(keys, mac), this.#strict);
    this.#keys = {
      ...agreement,
      sessionId: this.#sessionId(outcome),
      hostKey: outcome.hostKey,
      strict: this.#strict,
      peerVersion: this.#peerVersion,
    };
    this.#exchange = undefined;
    this.#keyedAt = this.#options.now();
    this.#release(this.#keys);
  }

  #newKeys({ agreement }: Exchange, outcome: Outcome, direction: 'toServer' | 'toClient') {
    const [cipher, mac] = [agreement!.cipher[direction], agreement!.mac[direction]];
    const keys = deriveKeys(exchanged(outcome, this.#sessionId(outcome)), direction, cipher, mac);
    return { kind: cipherKind(cipher)!, keys, mac: macKind(mac) };
  }

  #sessionId(outcome: Outcome): Uint8Array {
    return this.#keys?.sessionId ?? outcome.hash;
  }

  #release(keys: AgreedKeys): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const payload of waiting) this.#seal(payload);
    this.#events.keyed(keys);
    if (!this.held) this.#events.released();
  }

  /** The first message under the new keys (RFC 8308 section 2.4). */
  #sayExtensions(exchange: Exchange, options: ServerOptions): void {
    if (!exchange.theirs!.offer.kex.includes(EXT_INFO.client)) return;
    const said = [...(options.extensions ?? []), ['ping@openssh.com', '0'] as const];
    const entries = said.flatMap(([name, value]) => [string(name), string(value)]);
    this.#out.send(message(MESSAGE.extInfo, uint32(said.length), concat(entries)));
  }

  #takeExtensions(payload: Uint8Array): void {
    const reader = new SshReader(payload, 1);
    const count = reader.uint32();
    if (count > EXTENSIONS_MAX) throw violation('too many extensions');
    for (let index = 0; index < count; index += 1)
      this.#extensions.set(reader.name(), Uint8Array.from(reader.string(EXTENSION_MAX_BYTES)));
    reader.end();
    // Who says it again and again, each time with other names, would fill our memory (security case 16).
    if (this.#extensions.size > EXTENSIONS_MAX) throw violation('too many extensions');
  }

  #disconnected(payload: Uint8Array): void {
    const reader = new SshReader(payload, 1);
    const reason = reader.uint32();
    const words = reader.words();
    this.#ended = true;
    this.#events.disconnected(reason, words.slice(0, WORDS_MAX));
  }

  /** What the transport itself says, in its turn. */
  #say(payload: Uint8Array): void {
    this.#answers = this.held ? this.#answers + 1 : 0;
    if (this.#answers > MAX_WAITING_ANSWERS) throw violation('too much to answer during a key exchange');
    this.send(payload);
  }

  #seal(payload: Uint8Array): void {
    if (this.#out.packets >= MAX_PACKETS) throw violation('too many packets under the same keys');
    // From here on whoever is on the other side has a name (RFC 4253 section 6.1 binds us towards anybody).
    if (payload[0] === MESSAGE.authSuccess && this.#role.side === 'server') {
      this.#in.allowMore();
      this.#known = true;
    }
    this.#out.send(payload);
  }

  #rekeyWhenDue(): void {
    if (this.held) return;
    const age = this.#options.now() - this.#keyedAt;
    if (age >= (this.#options.rekeyAfterMs ?? REKEY_MS) || this.#spent(this.#in)) this.rekey();
  }

  #spent(way: { readonly packets: number; readonly bytes: number }): boolean {
    return way.bytes >= (this.#options.rekeyAfterBytes ?? REKEY_BYTES) || way.packets >= REKEY_PACKETS;
  }
}

/** What may come at any time and needs no answer. */
function isChatter(number: number): boolean {
  return number === MESSAGE.ignore || number === MESSAGE.debug || number === MESSAGE.unimplemented;
}

/** Both sides come to the same choice by themselves, so one that Terrapin breaks can only be refused. */
function demandSturdy({ cipher, mac }: Agreement): void {
  const names = [...Object.values(cipher), ...Object.values(mac)];
  if (!names.some((name) => name.startsWith('chacha20') || name.includes('-etm@'))) return;
  throw violation('what was agreed on is not safe without strict key exchange (CVE-2023-48795)');
}

/** OpenSSH sends its offer at once, without waiting for ours. */
function speaksFirst(version: string): boolean {
  return /^SSH-2\.0-OpenSSH_\d/.test(version);
}
