/** One key exchange, from two offers to keys (RFC 4253 sections 7 and 8). */
import { createHash } from 'node:crypto';
import { SshReader } from '../wire.ts';
import type { Exchanged } from './derive.ts';
import { type ExchangeMethod, exchangeMethod, type Random } from './exchange-methods.ts';
import { hostKeyFor, type ServerHostKey, signExchange, verifyExchange } from './host-key.ts';
import type { Agreement } from './kexinit.ts';
import { MESSAGE } from './numbers.ts';
import { concat, message, string } from './wire.ts';

/** What both sides have said so far, as it goes into the hash (section 8). */
export interface Said {
  readonly clientVersion: string;
  readonly serverVersion: string;
  readonly clientInit: Uint8Array;
  readonly serverInit: Uint8Array;
}

export interface Outcome {
  readonly hashName: 'sha256' | 'sha384';
  readonly secret: Uint8Array;
  readonly hash: Uint8Array;
  readonly hostKey: Uint8Array;
}

export function methodOf(agreement: Agreement): ExchangeMethod {
  return exchangeMethod(agreement.kex)!;
}

/** The server's whole part: the answer to send, and what comes of it. */
export function answerExchange(
  payload: Uint8Array,
  agreement: Agreement,
  said: Said,
  keys: readonly ServerHostKey[],
  random: Random,
): Outcome & { readonly reply: Uint8Array } {
  const method = methodOf(agreement);
  const reader = new SshReader(payload, 1);
  const theirs = method.read(reader);
  reader.end();
  const { value, secret } = method.server(theirs, random);
  const { key, blob } = hostKeyFor(keys, agreement.hostKeyAlgorithm);
  const hash = exchangeHash(method, said, blob, theirs, value, secret);
  const signature = signExchange(key, agreement.hostKeyAlgorithm, hash);
  const reply = message(MESSAGE.exchangeReply, string(blob), method.write(value), string(signature));
  return { hashName: method.hash, secret, hash, hostKey: blob, reply };
}

/** The client's part: what to send first, and what comes of the answer. */
export function beginExchange(
  agreement: Agreement,
  said: Said,
  random: Random,
): { readonly init: Uint8Array; finish(payload: Uint8Array): Outcome } {
  const method = methodOf(agreement);
  const mine = method.client(random);
  return {
    init: message(MESSAGE.exchangeInit, method.write(mine.value)),
    finish: (payload) => {
      const reader = new SshReader(payload, 1);
      const hostKey = Uint8Array.from(reader.string());
      const theirs = method.read(reader);
      const signature = reader.string();
      reader.end();
      const secret = mine.secret(theirs);
      const hash = exchangeHash(method, said, hostKey, mine.value, theirs, secret);
      verifyExchange(hostKey, agreement.hostKeyAlgorithm, signature, hash);
      return { hashName: method.hash, secret, hash, hostKey };
    },
  };
}

function exchangeHash(
  method: ExchangeMethod,
  said: Said,
  hostKey: Uint8Array,
  client: Uint8Array,
  server: Uint8Array,
  secret: Uint8Array,
): Uint8Array {
  const hashed = concat([
    string(said.clientVersion),
    string(said.serverVersion),
    string(said.clientInit),
    string(said.serverInit),
    string(hostKey),
    method.write(client),
    method.write(server),
    secret,
  ]);
  return createHash(method.hash).update(hashed).digest();
}

export function exchanged(outcome: Outcome, sessionId: Uint8Array): Exchanged {
  return { hashName: outcome.hashName, secret: outcome.secret, hash: outcome.hash, sessionId };
}
