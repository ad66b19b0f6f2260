/** The offer that opens a key exchange, and what two of them agree on (RFC 4253 section 7.1). */
import { CustodyError } from '#core/errors.ts';
import { SshReader, violation } from '../wire.ts';
import { MESSAGE } from './numbers.ts';
import { concat, message, nameList, offeredNames, uint32 } from './wire.ts';

/** Characters of a list that a log is told. */
const LISTED_MAX = 1_000;

/** What one side can do, in its order of preference. */
export interface Offer {
  readonly kex: readonly string[];
  readonly hostKeys: readonly string[];
  readonly ciphers: { readonly toServer: readonly string[]; readonly toClient: readonly string[] };
  readonly macs: { readonly toServer: readonly string[]; readonly toClient: readonly string[] };
}

export interface KexInit extends Offer {
  readonly compression: { readonly toServer: readonly string[]; readonly toClient: readonly string[] };
  /** The sender has already sent the first message of the exchange that it expects to be agreed on. */
  readonly guessFollows: boolean;
}

/** What stands among the key exchange methods and is none (RFC 8308; OpenSSH's PROTOCOL, section 1.10). */
export const STRICT = { server: 'kex-strict-s-v00@openssh.com', client: 'kex-strict-c-v00@openssh.com' };
export const EXT_INFO = { server: 'ext-info-s', client: 'ext-info-c' };
const MARKERS: readonly string[] = [...Object.values(STRICT), ...Object.values(EXT_INFO)];

export function encodeKexInit(offer: Offer, markers: readonly string[], cookie: Uint8Array): Uint8Array {
  const none = nameList(['none']);
  return message(
    MESSAGE.kexInit,
    cookie,
    nameList([...offer.kex, ...markers]),
    nameList(offer.hostKeys),
    nameList(offer.ciphers.toServer),
    nameList(offer.ciphers.toClient),
    nameList(offer.macs.toServer),
    nameList(offer.macs.toClient),
    concat([none, none]),
    concat([nameList([]), nameList([])]),
    Uint8Array.of(0),
    uint32(0),
  );
}

export function readKexInit(payload: Uint8Array): KexInit {
  const reader = new SshReader(payload, 1);
  reader.take(16);
  const lists = Array.from({ length: 10 }, () => offeredNames(reader));
  const guessFollows = reader.boolean();
  // Reserved; OpenSSH ignores what stands there, and so must whoever wants to be extended one day.
  reader.uint32();
  reader.end();
  const [kex, hostKeys, cipherUp, cipherDown, macUp, macDown, compressUp, compressDown] = lists;
  return {
    kex: kex!,
    hostKeys: hostKeys!,
    ciphers: { toServer: cipherUp!, toClient: cipherDown! },
    macs: { toServer: macUp!, toClient: macDown! },
    compression: { toServer: compressUp!, toClient: compressDown! },
    guessFollows,
  };
}

export interface Agreement {
  readonly kex: string;
  readonly hostKeyAlgorithm: string;
  readonly cipher: { readonly toServer: string; readonly toClient: string };
  readonly mac: { readonly toServer: string; readonly toClient: string };
}

/** Ciphers that authenticate by themselves: no MAC is agreed on for them. */
const AUTHENTICATED = /gcm@openssh\.com$|^chacha20-poly1305@openssh\.com$/;

/** The first of the client's names that the server has too, for each kind. */
export function agree(client: Offer, server: Offer): Agreement {
  const cipher = {
    toServer: first('cipher', client.ciphers.toServer, server.ciphers.toServer),
    toClient: first('cipher', client.ciphers.toClient, server.ciphers.toClient),
  };
  const mac = (direction: 'toServer' | 'toClient'): string =>
    AUTHENTICATED.test(cipher[direction]) ? '' : first('MAC', client.macs[direction], server.macs[direction]);
  return {
    kex: first('key exchange', client.kex, server.kex),
    hostKeyAlgorithm: first('host key algorithm', client.hostKeys, server.hostKeys),
    cipher,
    mac: { toServer: mac('toServer'), toClient: mac('toClient') },
  };
}

function first(kind: string, client: readonly string[], server: readonly string[]): string {
  const found = client.find((name) => server.includes(name) && !MARKERS.includes(name));
  if (found !== undefined) return found;
  throw new CustodyError('unsupported', `no ${kind} in common`, {
    detail: `client: ${listed(client)}; server: ${listed(server)}`,
  });
}

/** A stranger's list may be as long as a packet, and nobody reads that in a log. */
function listed(names: readonly string[]): string {
  const text = names.join(',');
  return text.length <= LISTED_MAX ? text : `${text.slice(0, LISTED_MAX)}…`;
}

/** Nothing is compressed here: the peer must be able to leave it. */
export function demandNoCompression({ compression }: KexInit): void {
  if (compression.toServer.includes('none') && compression.toClient.includes('none')) return;
  throw violation('the peer insists on compression');
}

/** Whether the message that the peer sent on a guess counts (RFC 4253 section 7: both first names must be the same). */
export function guessIsRight(theirs: Offer, ours: Offer): boolean {
  return theirs.kex[0] === ours.kex[0] && theirs.hostKeys[0] === ours.hostKeys[0];
}
