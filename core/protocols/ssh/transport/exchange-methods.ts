/** Key exchange methods: each makes its own half, and the shared secret out of the peer's. */
import {
  createDiffieHellmanGroup,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  type KeyObject,
} from 'node:crypto';
import { type SshReader, violation } from '../wire.ts';
import { concat, mpint, string } from './wire.ts';

export type Random = (length: number) => Uint8Array;

/** The shared secret stands as it goes into hash and keys: mpint or string, by method. */
export interface ClientHalf {
  /** The value to send, as it goes on the wire. */
  readonly value: Uint8Array;
  secret(reply: Uint8Array): Uint8Array;
}

export interface ServerHalf {
  readonly value: Uint8Array;
  readonly secret: Uint8Array;
}

export interface ExchangeMethod {
  readonly hash: 'sha256' | 'sha384';
  /** How a value of the exchange is read from a message, to its wire form without a length. */
  read(reader: SshReader): Uint8Array;
  /** The wire form with its length, as it goes into messages and hash. */
  write(value: Uint8Array): Uint8Array;
  client(random: Random): ClientHalf;
  server(value: Uint8Array, random: Random): ServerHalf;
}

/** Undefined for a name that is not spoken here. */
export function exchangeMethod(name: string): ExchangeMethod | undefined {
  switch (name) {
    case 'mlkem768x25519-sha256':
      return mlkem768x25519;
    case 'curve25519-sha256':
    case 'curve25519-sha256@libssh.org':
      return curve25519;
    case 'ecdh-sha2-nistp256':
      return ecdh('prime256v1', 'sha256');
    case 'ecdh-sha2-nistp384':
      return ecdh('secp384r1', 'sha384');
    case 'diffie-hellman-group14-sha256':
      return group14;
    default:
      return undefined;
  }
}

const asString = {
  read: (reader: SshReader): Uint8Array => reader.string(),
  write: (value: Uint8Array): Uint8Array => string(value),
};

/** A method in which the two sides do the same. */
function symmetric(half: (random: Random) => ClientHalf): Pick<ExchangeMethod, 'client' | 'server'> {
  return {
    client: half,
    server: (value, random) => {
      const mine = half(random);
      return { value: mine.value, secret: mine.secret(value) };
    },
  };
}

// RFC 8731; DER as RFC 8410 has it, since node:crypto takes no bare keys of this kind.
const X25519_BYTES = 32;
const X25519_PRIVATE = Buffer.from('302e020100300506032b656e04220420', 'hex');
const X25519_PUBLIC = Buffer.from('302a300506032b656e032100', 'hex');

const curve25519: ExchangeMethod = {
  hash: 'sha256',
  ...asString,
  ...symmetric((random) => {
    const half = x25519(random);
    return { value: half.value, secret: (peer) => mpint(half.agree(peer)) };
  }),
};

function x25519(random: Random): { value: Uint8Array; agree(peer: Uint8Array): Uint8Array } {
  const privateKey = createPrivateKey({
    key: Buffer.concat([X25519_PRIVATE, random(X25519_BYTES)]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    value: spki.subarray(X25519_PUBLIC.length),
    agree: (peer) => {
      if (peer.length !== X25519_BYTES) throw violation('a key of the exchange has the wrong length');
      return agreed(privateKey, Buffer.concat([X25519_PUBLIC, peer]));
    },
  };
}

/** A point of small order gives zeros, which OpenSSL refuses (RFC 8731 section 3); looked at again, since it matters. */
function agreed(privateKey: KeyObject, spki: Buffer): Uint8Array {
  const secret = attempt(() =>
    diffieHellman({ privateKey, publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }) }),
  );
  if (secret.every((byte) => byte === 0)) throw badKey();
  return secret;
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch {
    throw badKey();
  }
}

function badKey() {
  return violation('a key of the exchange is not valid');
}

// FIPS 203 with X25519, RFC 10042: the client sends both keys one after the other, the server a ciphertext and a key.
const MLKEM_KEY_BYTES = 1184;
const MLKEM_CIPHERTEXT_BYTES = 1088;
const MLKEM_SEED_BYTES = 64;
const MLKEM_PRIVATE = Buffer.from('3054020100300b060960864801650304040204428040', 'hex');
const MLKEM_PUBLIC = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');

const mlkem768x25519: ExchangeMethod = {
  hash: 'sha256',
  ...asString,
  client: (random) => {
    const key = Buffer.concat([MLKEM_PRIVATE, random(MLKEM_SEED_BYTES)]);
    const lattice = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(lattice).export({ format: 'der', type: 'spki' });
    const curve = x25519(random);
    return {
      value: concat([spki.subarray(MLKEM_PUBLIC.length), curve.value]),
      secret: (reply) => {
        const [ciphertext, peer] = halves(reply, MLKEM_CIPHERTEXT_BYTES);
        const shared = attempt(() => decapsulate(lattice, ciphertext));
        return combined(shared, curve.agree(peer));
      },
    };
  },
  server: (value, random) => {
    const [key, peer] = halves(value, MLKEM_KEY_BYTES);
    const spki = Buffer.concat([MLKEM_PUBLIC, key]);
    const lattice = attempt(() => createPublicKey({ key: spki, format: 'der', type: 'spki' }));
    const { sharedKey, ciphertext } = attempt(() => encapsulate(lattice));
    const curve = x25519(random);
    return {
      value: concat([ciphertext, curve.value]),
      secret: combined(sharedKey, curve.agree(peer)),
    };
  },
};

function halves(value: Uint8Array, first: number): [Uint8Array, Uint8Array] {
  if (value.length !== first + X25519_BYTES) throw violation('a key of the exchange has the wrong length');
  return [value.subarray(0, first), value.subarray(first)];
}

function combined(lattice: Uint8Array, curve: Uint8Array): Uint8Array {
  return string(createHash('sha256').update(lattice).update(curve).digest());
}

/** RFC 5656 section 4; points that are not on the curve are refused by OpenSSL. */
function ecdh(curve: string, hash: 'sha256' | 'sha384'): ExchangeMethod {
  return {
    hash,
    ...asString,
    ...symmetric(() => {
      const key = createECDH(curve);
      const value = key.generateKeys();
      return {
        value,
        secret: (peer) => {
          // Uncompressed points only: the others need not be spoken, and one form is enough.
          if (peer.length !== value.length || peer[0] !== 4) throw badKey();
          return mpint(attempt(() => key.computeSecret(peer)));
        },
      };
    }),
  };
}

/** RFC 8268; values of 0, 1, p-1 and beyond give the secret away (RFC 4253 section 8). */
const group14: ExchangeMethod = {
  hash: 'sha256',
  read: (reader) => reader.mpint(),
  write: (value) => mpint(value),
  ...symmetric(() => {
    const key = createDiffieHellmanGroup('modp14');
    const value = key.generateKeys();
    const prime = BigInt(`0x${key.getPrime('hex')}`);
    return {
      value,
      secret: (peer) => {
        const number = BigInt(`0x0${Buffer.from(peer).toString('hex')}`);
        if (number <= 1n || number >= prime - 1n) throw badKey();
        return mpint(attempt(() => key.computeSecret(peer)));
      },
    };
  }),
};
