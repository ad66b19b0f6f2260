/** What browsers get in place of node:crypto, node:zlib and Buffer does what node's does, or refuses. */
import * as crypto from 'node:crypto';
import * as zlib from 'node:zlib';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { browserBuild } from '#test/support/browser-build.ts';

interface BrowserZlib {
  zstdDecompressSync(frame: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
  loadZstd(): Promise<void>;
}

let browser: typeof crypto;
let browserZlib: BrowserZlib;
let browserBuffer: typeof Buffer;

beforeAll(async () => {
  browser = await browserBuild<typeof crypto>('platform/crypto.ts');
  browserZlib = await browserBuild<BrowserZlib>('platform/zlib.ts');
  browserBuffer = (await browserBuild<{ Buffer: typeof Buffer }>('platform/buffer.ts')).Buffer;
  await browserZlib.loadZstd();
});

/** The value, or that it threw. */
function outcome<T>(work: () => T): T | 'thrown' {
  try {
    return work();
  } catch {
    return 'thrown';
  }
}

const bytes = fc.uint8Array({ maxLength: 300 });
const spki = { format: 'der', type: 'spki' } as const;

describe('digests', () => {
  test.each(['sha1', 'sha256', 'sha384', 'sha512'])('%s, in any pieces', (name) => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), (parts) => {
        const [one, other] = [crypto.createHash(name), browser.createHash(name)];
        for (const part of parts) for (const hash of [one, other]) hash.update(part);
        expect(other.digest('hex')).toBe(one.digest('hex'));
      }),
    );
  });

  test('in one call', () => {
    const data = crypto.randomBytes(100);
    const hex = crypto.hash('sha256', data, 'hex');
    expect(browser.hash('sha256', data, 'hex')).toBe(hex);
    expect(browser.hash('sha256', data, 'base64')).toBe(crypto.hash('sha256', data, 'base64'));
    expect(browser.hash('sha256', data, 'buffer').toString('hex')).toBe(hex);
  });

  test('of what came so far, while more comes', () => {
    const hash = browser.createHash('sha256').update('one');
    const before = hash.copy();
    hash.update('two');
    expect([before.digest('hex'), hash.digest('hex')]).toEqual(
      ['one', 'onetwo'].map((text) => crypto.createHash('sha256').update(text).digest('hex')),
    );
  });

  test('others are refused', () => {
    expect(() => browser.createHash('md5')).toThrow('not whole');
    expect(() => browser.createHash('constructor')).toThrow('not whole');
  });
});

describe('ECDSA', () => {
  test.each([
    ['P-256', 'sha256'],
    ['P-384', 'sha384'],
    ['P-521', 'sha512'],
  ])('%s: what node verifies, and no flipped bit', (namedCurve, digest) => {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve });
    const key = publicKey.export(spki);
    const data = Buffer.from('a statement');
    const signature = crypto.sign(digest, data, privateKey);
    const verified = (signature: Uint8Array) =>
      browser.verify(
        digest,
        data,
        { key: browser.createPublicKey({ key, ...spki }), dsaEncoding: 'der' },
        signature,
      );
    expect(verified(signature)).toBe(true);
    for (let at = 0; at < signature.length; at += 5) {
      const other = Buffer.from(signature);
      other[at]! ^= 1;
      expect(verified(other), `byte ${at}`).toBe(crypto.verify(digest, data, publicKey, other));
    }
  });

  test('P-256 signatures in other spellings, as OpenSSL takes or refuses them', () => {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = browser.createPublicKey({ key: publicKey.export(spki), ...spki });
    const data = Buffer.from('a statement');
    const compact = crypto.sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
    const [r, s] = [big(compact.subarray(0, 32)), big(compact.subarray(32))];
    const spellings = [
      der(integer(r), integer(s)),
      // The other of the two that are right: both are.
      der(integer(r), integer(order - s)),
      der(integer(0n), integer(s)),
      der(integer(r), integer(0n)),
      der(integer(r + order), integer(s)),
      der(`00${integer(r)}`, integer(s)),
      der(integer(r).replace(/^00/, ''), integer(s)),
      Buffer.concat([der(integer(r), integer(s)), Buffer.from([0])]),
      Buffer.concat([der(integer(r), integer(s)).subarray(0, -1)]),
      Buffer.from(
        der(integer(r), integer(s))
          .toString('hex')
          .replace(/^30(..)/, '3081$1'),
        'hex',
      ),
      Buffer.alloc(0),
      Buffer.from('3006020101020101', 'hex'),
    ];
    for (const [at, signature] of spellings.entries())
      expect(browser.verify('sha256', data, { key, dsaEncoding: 'der' }, signature), `spelling ${at}`).toBe(
        crypto.verify('sha256', data, publicKey, signature),
      );
  });
});

function big(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

/** The content of an INTEGER, as DER wants it. */
function integer(value: bigint): string {
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even;
}

function der(...integers: readonly string[]): Buffer {
  const parts = integers.map((hex) =>
    Buffer.concat([Buffer.from([2, hex.length / 2]), Buffer.from(hex, 'hex')]),
  );
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}

describe('Ed25519', () => {
  const prefix = '302a300506032b6570032100';
  /** Points of small order, spelt as they are and as they are not, and no point at all. */
  const odd = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '0100000000000000000000000000000000000000000000000000000000000080',
    'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    '0200000000000000000000000000000000000000000000000000000000000000',
  ];

  test('what node verifies, and no flipped bit', () => {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
    const key = browser.createPublicKey({ key: publicKey.export(spki), ...spki });
    const data = Buffer.from('a head');
    const signature = crypto.sign(null, data, privateKey);
    expect(browser.verify(null, data, key, signature)).toBe(true);
    for (let at = 0; at < 64; at += 3) {
      const other = Buffer.from(signature);
      other[at]! ^= 1;
      expect(browser.verify(null, data, key, other)).toBe(false);
    }
    const high =
      big(Buffer.from(signature.subarray(32)).reverse()) +
      2n ** 252n +
      27742317777372353535851937790883648493n;
    const malleable = Buffer.concat([
      signature.subarray(0, 32),
      Buffer.from(high.toString(16).padStart(64, '0'), 'hex').reverse(),
    ]);
    expect(browser.verify(null, data, key, malleable)).toBe(crypto.verify(null, data, publicKey, malleable));
  });

  function both(key: Uint8Array, data: Uint8Array, signature: Uint8Array): readonly [unknown, unknown] {
    const der = Buffer.concat([Buffer.from(prefix, 'hex'), key]);
    return [
      outcome(() => crypto.verify(null, data, crypto.createPublicKey({ key: der, ...spki }), signature)),
      outcome(() => browser.verify(null, data, browser.createPublicKey({ key: der, ...spki }), signature)),
    ];
  }

  test('odd keys and odd signatures, as OpenSSL judges them', () => {
    for (const key of odd)
      for (const r of odd)
        for (const s of ['00'.repeat(32), `01${'00'.repeat(31)}`]) {
          const signature = Buffer.from(r + s, 'hex');
          const [own, theirs] = both(Buffer.from(key, 'hex'), Buffer.from('a'), signature);
          expect(theirs, `${key} ${r} ${s}`).toBe(own);
        }
  });

  test('keys and signatures with a part of small order: the cofactor decides nothing', () => {
    const { Point } = ed25519;
    const [secret, nonce] = [12345678901234567890n, 777n];
    const key = Point.BASE.multiply(secret);
    const commitment = Point.BASE.multiply(nonce);
    const torsion = Point.fromBytes(Buffer.from(odd[6]!, 'hex'), true);
    const taken = [
      { key, r: commitment, nonce, secret },
      { key: key.add(torsion), r: commitment, nonce, secret },
      { key, r: commitment.add(torsion), nonce, secret },
      { key, r: Point.ZERO, nonce: 0n, secret },
      { key, r: torsion, nonce: 0n, secret },
      { key: torsion, r: commitment, nonce, secret: 0n },
    ].map(({ key, r, nonce, secret }) => {
      const [keyBytes, rBytes] = [key.toBytes(), r.toBytes()];
      let count = 0;
      for (let at = 0; at < 24; at += 1) {
        const data = Buffer.from(`message ${at}`);
        const k = bytesToNumberLE(
          crypto.createHash('sha512').update(rBytes).update(keyBytes).update(data).digest(),
        );
        const s = numberToBytesLE((nonce + k * secret) % Point.Fn.ORDER, 32);
        const [own, theirs] = both(keyBytes, data, Buffer.concat([rBytes, s]));
        expect(theirs).toBe(own);
        if (own === true) count += 1;
      }
      return count;
    });
    expect(taken[0]).toBe(24);
    // An eighth of these is what a check with the cofactor would take wholly.
    expect(taken[1]).toBeGreaterThan(0);
    expect(taken[1]).toBeLessThan(12);
  });
});

test.each(['sha1', 'sha256', 'sha512'])('RSA with %s: what node verifies, and no flipped bit', (digest) => {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = browser.createPublicKey({ key: publicKey.export({ format: 'jwk' }), format: 'jwk' });
  expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048);
  const data = Buffer.from('a certificate');
  const signature = crypto.sign(digest, data, privateKey);
  expect(browser.verify(digest, data, key, signature)).toBe(true);
  for (const at of [0, 1, 100, 255]) {
    const other = Buffer.from(signature);
    other[at]! ^= 1;
    expect(browser.verify(digest, data, key, other)).toBe(false);
  }
});

test('keys as PEM: taken as node takes them, or refused', () => {
  const { publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const again = browser.createPublicKey({ key: own, format: 'pem' });
  expect(again.export({ type: 'spki', format: 'pem' })).toBe(own);
  expect(Buffer.from(again.export(spki)).equals(publicKey.export(spki))).toBe(true);
  expect(again).toMatchObject({
    asymmetricKeyType: 'ec',
    asymmetricKeyDetails: { namedCurve: 'prime256v1' },
  });
  const offCurve = Buffer.from(publicKey.export(spki));
  offCurve[90]! ^= 1;
  for (const key of [offCurve, offCurve.subarray(0, 60), Buffer.alloc(0), Buffer.from('30', 'hex')])
    expect(outcome(() => browser.createPublicKey({ key, ...spki }))).toBe('thrown');
  const secp256k1 = crypto.generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey;
  for (const pem of [secp256k1.export({ type: 'spki', format: 'pem' }).toString(), '', 'nothing'])
    expect(outcome(() => browser.createPublicKey({ key: pem, format: 'pem' }))).toBe('thrown');
});

test.each(['uncompressed', 'compressed', 'hybrid'] as const)(
  'a P-256 point that is %s: as node writes it again, or refused',
  (form) => {
    const { x, y } = crypto
      .generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .publicKey.export({ format: 'jwk' });
    const whole = Buffer.concat([
      Buffer.from([4]),
      Buffer.from(x!, 'base64url'),
      Buffer.from(y!, 'base64url'),
    ]);
    const point = Buffer.from(
      crypto.ECDH.convertKey(whole, 'prime256v1', undefined, undefined, form) as Buffer,
    );
    const bits = Buffer.concat([Buffer.from([3, point.length + 1, 0]), point]);
    const algorithm = Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex');
    const key = Buffer.concat([Buffer.from([0x30, algorithm.length + bits.length]), algorithm, bits]);
    const again = (by: typeof crypto) =>
      outcome(() => Buffer.from(by.createPublicKey({ key, ...spki }).export(spki)).toString('hex'));
    const own = again(crypto);
    // What node does not write as it was, the verifier refuses in either.
    expect(again(browser)).toBe(own === key.toString('hex') ? own : 'thrown');
  },
);

test('what signs is not there', () => {
  expect(() => browser.generateKeyPairSync('ed25519')).toThrow('not whole');
});

describe('Buffer', () => {
  const encodings = ['utf8', 'latin1', 'hex', 'base64', 'base64url'] as const;

  test.each(encodings)('%s, both ways', (encoding) => {
    fc.assert(
      fc.property(bytes, fc.string({ unit: 'binary' }), (bytes, text) => {
        expect(browserBuffer.from(bytes).toString(encoding)).toBe(Buffer.from(bytes).toString(encoding));
        const written = Buffer.from(bytes).toString(encoding);
        expect([...browserBuffer.from(written, encoding)]).toEqual([...Buffer.from(written, encoding)]);
        // What no encoder wrote is for the other encodings' own rules.
        const plain = encoding === 'utf8' || encoding === 'latin1' ? text : written;
        expect([...browserBuffer.from(plain, encoding)]).toEqual([...Buffer.from(plain, encoding)]);
      }),
    );
  });

  test('is a view where node gives one, compares and joins', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
    const view = browserBuffer.from(bytes.buffer, 1, 8);
    expect(view.readUInt32BE()).toBe(0x02030405);
    expect(view.readBigInt64BE()).toBe(0x0203040506070809n);
    bytes[1] = 9;
    expect(view[0]).toBe(9);
    expect(browserBuffer.byteLength('é一')).toBe(5);
    expect(
      browserBuffer.concat([view, Uint8Array.of(7)]).equals(Buffer.concat([view, Uint8Array.of(7)])),
    ).toBe(true);
    expect(browserBuffer.compare(Uint8Array.of(1), Uint8Array.of(2))).toBe(-1);
  });
});

describe('zstd', () => {
  const limit = { maxOutputLength: 1 << 20 };

  test('reads what node writes, whole, and refuses what node refuses', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40_000 }), fc.nat(), fc.boolean(), (data, at, isChecked) => {
        const params = { [zlib.constants.ZSTD_c_checksumFlag]: isChecked ? 1 : 0 };
        const frame = zlib.zstdCompressSync(data, { params });
        expect(Buffer.from(browserZlib.zstdDecompressSync(frame, limit)).equals(data)).toBe(true);
        frame[at % frame.length]! ^= 1;
        const own = outcome(() => zlib.zstdDecompressSync(frame, limit).toString('hex'));
        const theirs = outcome(() =>
          Buffer.from(browserZlib.zstdDecompressSync(frame, limit)).toString('hex'),
        );
        expect(theirs).toBe(own);
      }),
      { numRuns: 60 },
    );
  });

  test('security case 21 (browser): gives no more than is asked for', () => {
    const bomb = zlib.zstdCompressSync(Buffer.alloc(8 << 20));
    expect(() => browserZlib.zstdDecompressSync(bomb, limit)).toThrow('ERR_BUFFER_TOO_LARGE');
  });
});
