import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeKexInit, type Offer, readKexInit } from '#core/protocols/ssh/transport/kexinit.ts';
import { serverTransport } from '#core/protocols/ssh/transport/transport.ts';
import { message, string, uint32 } from '#core/protocols/ssh/transport/wire.ts';
import { connected, End, feed, HOST_KEY, type Pair, pair } from '#test/support/ssh-pair.ts';

const DATA = Buffer.concat([Buffer.of(94), Buffer.alloc(100, 'x')]);
/** A packet as before the first exchange: nothing sealed. */
function plainPacket(payload: Uint8Array): Buffer {
  const padding = 4 + ((8 - ((payload.length + 9) % 8)) % 8);
  const body = Buffer.concat([Buffer.of(padding), payload, Buffer.alloc(padding)]);
  return Buffer.concat([uint32(body.length), body]);
}

const IGNORE = message(2, string('injected'));
const OFFER: Offer = {
  kex: ['curve25519-sha256'],
  hostKeys: ['ssh-ed25519'],
  ciphers: { toServer: ['aes256-gcm@openssh.com'], toClient: ['aes256-gcm@openssh.com'] },
  macs: { toServer: [], toClient: [] },
};
const STRICT = 'kex-strict-c-v00@openssh.com';

function server(): End {
  const end = new End((events) => serverTransport({ now: () => 0, hostKeys: [{ key: HOST_KEY }] }, events));
  end.leg.start();
  return end;
}

/** A server that has heard a version and these packets. */
function heard(...payloads: Uint8Array[]): () => End {
  return () => {
    const end = server();
    end.leg.receive(Buffer.from('SSH-2.0-test\r\n'));
    for (const payload of payloads) end.leg.receive(plainPacket(payload));
    return end;
  };
}

function offered(offer: Partial<Offer>, ...markers: string[]): Uint8Array {
  return encodeKexInit({ ...OFFER, ...offer }, markers, new Uint8Array(16));
}

describe('two transports', () => {
  it('agree on the best that both have', () => {
    const { client, server: other } = connected();
    expect(client.leg.keys).toMatchObject({
      kex: 'mlkem768x25519-sha256',
      hostKeyAlgorithm: 'ssh-ed25519',
      cipher: { toServer: 'aes256-gcm@openssh.com', toClient: 'aes256-gcm@openssh.com' },
      mac: { toServer: '', toClient: '' },
      strict: true,
    });
    expect(other.leg.keys?.sessionId).toEqual(client.leg.keys?.sessionId);
    expect([...client.leg.extensions.keys()]).toEqual(['ping@openssh.com']);
  });

  it('pass messages both ways, whatever pieces their bytes come in', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 30_000 }), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9_000 }), (lengths, piece) => {
        const made = pair();
        made.client.leg.start();
        made.server.leg.start();
        const sent = lengths.map((length) => Buffer.concat([Buffer.of(94), Buffer.alloc(length, length)]));
        for (const payload of sent) {
          made.client.leg.send(payload);
          made.server.leg.send(payload);
        }
        made.run(piece);
        expect(made.server.messages).toEqual(sent);
        // The first is the server's extensions.
        expect(made.client.messages.slice(1)).toEqual(sent);
      }),
      { numRuns: 60 },
    );
  });

  it('gather what is sent between cork and uncork into one write', () => {
    const { client } = connected();
    client.writes = 0;
    client.leg.cork();
    for (let count = 0; count < 20; count += 1) client.leg.send(DATA);
    expect(client.writes).toBe(0);
    client.leg.uncork();
    expect(client.writes).toBe(1);
  });

  it('change keys while data is in flight both ways, and when both begin at once', () => {
    const made = connected();
    made.client.leg.send(DATA);
    made.client.leg.rekey();
    made.server.leg.rekey();
    for (const end of [made.client, made.server]) {
      end.leg.send(DATA);
      expect(end.leg.held).toBe(true);
    }
    made.run(7);
    expect(made.server.messages).toEqual([DATA, DATA]);
    expect(made.client.messages.slice(1)).toEqual([DATA]);
    expect([made.client.keyed, made.server.keyed]).toEqual([2, 2]);
    expect([made.client.released, made.server.released]).toEqual([2, 2]);
    expect(made.client.leg.held).toBe(false);
  });

  it.each(['client', 'server'] as const)(
    'the %s asks for new keys after so many bytes, and the session stays',
    (side) => {
      const made = connected({ [side]: { rekeyAfterBytes: 1000 } });
      const { sessionId } = made.client.leg.keys!;
      for (let count = 0; count < 50; count += 1) {
        made.client.leg.send(DATA);
        made.run();
      }
      expect(made.client.keyed).toBeGreaterThan(4);
      expect(made.server.messages).toHaveLength(50);
      expect(made.server.leg.keys?.sessionId).toEqual(sessionId);
    },
  );

  it('ask for new keys after a time', () => {
    let now = 0;
    const made = connected({ server: { now: () => now, rekeyAfterMs: 1000 } });
    now = 1000;
    made.client.leg.send(DATA);
    made.run();
    expect(made.server.keyed).toBe(2);
  });

  it('answer a ping, and what nobody knows', () => {
    const made = connected();
    made.client.leg.send(message(192, string('still there?')));
    made.client.leg.send(Buffer.of(200));
    made.run();
    expect(made.server.messages).toEqual([]);
    expect(made.client.disconnects).toEqual([]);
  });

  it('say why they leave, and nothing after it', () => {
    const made = connected();
    made.server.leg.disconnect(11, 'that was all');
    made.server.leg.send(DATA);
    made.run();
    expect(made.client.disconnects).toEqual(['11 that was all']);
    made.client.leg.receive(Buffer.from('whatever'));
    expect(made.client.messages).toHaveLength(1);
  });

  it('refuse a host key that the caller refuses', () => {
    const refuse = (): void => {
      throw new Error('not this one');
    };
    expect(() => connected({ client: { hostKey: refuse } })).toThrow('not this one');
  });

  it.each([
    ['ssh-ed25519', HOST_KEY],
    ['ecdsa-sha2-nistp256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['rsa-sha2-512', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ])('know the host by %s', (algorithm, key) => {
    const made = connected({ server: { hostKeys: [{ key }] } });
    expect(made.client.leg.keys?.hostKeyAlgorithm).toBe(algorithm);
  });
});

describe('security case 17: strict key exchange (Terrapin, CVE-2023-48795)', () => {
  it.each(['server', 'client'] as const)('an IGNORE before the offer is refused by the %s', (side) => {
    const made = pair();
    made.client.leg.start();
    made.server.leg.start();
    made[side].leg.receive(Buffer.from('SSH-2.0-x\r\n'));
    made[side].leg.receive(plainPacket(IGNORE));
    const peer = side === 'server' ? 'kex-strict-c-v00@openssh.com' : 'kex-strict-s-v00@openssh.com';
    expect(() => made[side].leg.receive(plainPacket(offered({}, peer)))).toThrow(
      'before a strict key exchange',
    );
  });

  it('an IGNORE between the offer and the new keys is refused', () => {
    expect(heard(offered({}, STRICT), IGNORE)).toThrow('in the midst of a strict key exchange');
  });

  it('a first message that is cut away under the new keys is noticed: numbers begin at 0', () => {
    const made = connected();
    made.client.leg.send(DATA);
    made.client.take();
    made.client.leg.send(DATA);
    expect(() => made.server.leg.receive(made.client.take())).toThrow('not authentic');
  });

  it.each([
    ['ChaCha20-Poly1305', ['chacha20-poly1305@openssh.com'], []],
    ['a MAC over the ciphertext', ['aes256-ctr'], ['hmac-sha2-256-etm@openssh.com']],
  ])('%s is not agreed to with a peer that is not strict', (_name, cipher, mac) => {
    const both = (names: readonly string[]) => ({ toServer: names, toClient: names });
    expect(heard(offered({ ciphers: both(cipher), macs: both(mac) }))).toThrow('CVE-2023-48795');
    expect(heard(offered({ ciphers: both(cipher), macs: both(mac) }, STRICT))).not.toThrow();
  });

  it('numbers begin at 0 again with every later exchange', () => {
    const made = connected();
    for (let count = 0; count < 3; count += 1) {
      made.client.leg.rekey();
      made.client.leg.send(DATA);
      made.run();
    }
    expect(made.server.messages).toHaveLength(3);
  });
});

describe('what a transport refuses', () => {
  const bad: readonly [string, () => unknown][] = [
    ['HTTP', () => server().leg.receive(Buffer.from('GET / HTTP/1.1\r\n'))],
    ['SSH 1', () => server().leg.receive(Buffer.from('SSH-1.5-old\r\n'))],
    ['a version line without end', () => server().leg.receive(Buffer.from(`SSH-2.0-${'x'.repeat(300)}`))],
    ['a NUL in the version', () => server().leg.receive(Buffer.from('SSH-2.0-a\0b\r\n'))],
    ['an announced length of 4 GiB', () => heardBytes(Buffer.from('ffffffff00', 'hex'))],
    ['a length of 0', () => heardBytes(Buffer.from('0000000000', 'hex'))],
    ['a length beyond the bound', () => heardBytes(Buffer.concat([uint32(35_004)]))],
    ['a length that fits no block', () => heardBytes(Buffer.concat([uint32(13)]))],
    [
      'padding longer than the packet',
      () => heardBytes(Buffer.from('0000000cff00000000000000000000000000', 'hex')),
    ],
    ['padding too short', () => heardBytes(Buffer.from('0000000c0300000000000000000000000000', 'hex'))],
    ['a message before keys', heard(message(5, string('ssh-userauth')))],
    ['new keys at once', heard(message(21))],
    ['an exchange without offer', heard(message(30, string(new Uint8Array(32))))],
    ['two offers', heard(offered({}), offered({}))],
    ['an offer cut short', heard(offered({}).subarray(0, 40))],
    ['nothing in common', heard(offered({ kex: ['diffie-hellman-group1-sha1'] }))],
    ['a marker as method', heard(offered({ kex: [STRICT, 'ext-info-s'] }))],
    ['a key of the wrong length', heard(offered({}), message(30, string(new Uint8Array(31))))],
    ['an all-zero key', heard(offered({}), message(30, string(new Uint8Array(32))))],
    [
      'a point of small order',
      heard(offered({}), message(30, string(Buffer.concat([Buffer.of(1), Buffer.alloc(31)])))),
    ],
    [
      'ML-KEM cut short',
      heard(offered({ kex: ['mlkem768x25519-sha256'] }), message(30, string(new Uint8Array(1215)))),
    ],
    [
      'an ML-KEM key that is none',
      heard(offered({ kex: ['mlkem768x25519-sha256'] }), message(30, string(Buffer.alloc(1216, 255)))),
    ],
    ['endless chatter', heard(...Array.from({ length: 65 }, () => IGNORE))],
  ];

  it.each(bad)('%s', (_name, attempt) => {
    expect(attempt).toThrow(expect.objectContaining({ name: 'CustodyError' }));
  });

  it('an offer of a thousand names, of which a log is told the first', () => {
    const kex = Array.from({ length: 1000 }, (_, i) => `made-up-${i}`);
    expect(heard(offered({ kex }))).toThrow(
      expect.objectContaining({ detail: expect.stringMatching(/^.{1000,1300}$/) }),
    );
  });

  it('a peer that fills our memory with pings while keys are exchanged', () => {
    const made = connected();
    made.server.leg.rekey();
    const ping = message(192, string(Buffer.alloc(1000)));
    for (let count = 0; count < 65; count += 1) made.client.leg.send(ping);
    expect(() => made.server.leg.receive(made.client.take())).toThrow('too much to answer');
  });

  it('security case 16: a stranger that says again and again what it can, each time by other names', () => {
    const made = connected();
    const say = (name: string): void => {
      made.client.leg.send(message(7, uint32(1), string(name), string(Buffer.alloc(16_000))));
      made.run();
    };
    for (let count = 0; count < 100; count += 1) say('server-sig-algs');
    expect(() => {
      for (let count = 0; count < 100; count += 1) say(`x${count}@example.com`);
    }).toThrow('too many extensions');
    expect(made.server.leg.extensions.size).toBeLessThan(70);
  });

  it.each([
    ['name', string('n'.repeat(65)), string('')],
    ['value', string('name'), string(Buffer.alloc(17_000))],
  ])('an extension with a %s that is too long', (_what, name, value) => {
    const made = connected();
    made.client.leg.send(message(7, uint32(1), name, value));
    expect(() => made.run()).toThrow(expect.objectContaining({ code: 'protocol-violation' }));
  });

  it('security case 16: a stranger that does nothing but exchange keys; who has logged in may', () => {
    const exchange = (made: Pair): void => {
      for (let count = 0; count < 16; count += 1) {
        made.client.leg.rekey();
        made.run();
      }
    };
    expect(() => exchange(connected())).toThrow('exchanges keys and does not log in');
    const known = connected();
    known.server.leg.send(Buffer.of(52));
    exchange(known);
    expect(known.server.keyed).toBe(17);
  });

  it('a server that has not logged in may not send long packets; one that has may', () => {
    const long = Buffer.concat([Buffer.of(94), Buffer.alloc(100_000)]);
    const before = connected();
    before.server.leg.send(long);
    expect(() => before.run()).toThrow('impossible length');
    const after = connected();
    after.server.leg.send(Buffer.of(52));
    after.server.leg.send(long);
    after.client.leg.send(long);
    expect(() => after.run()).not.toThrow();
  });
});

describe('a guess', () => {
  it('that is wrong is skipped, one that is right is taken', () => {
    const follows = (kex: string): Uint8Array => {
      const offer = offered({ kex: [kex, 'curve25519-sha256'] });
      offer[offer.length - 5] = 1;
      expect(readKexInit(offer).guessFollows).toBe(true);
      return offer;
    };
    const wrong = heard(follows('sntrup761x25519-sha512'), message(30, string('a guess')))();
    expect(wrong.leg.held).toBe(true);
    expect(heard(follows('mlkem768x25519-sha256'), message(30, string('a guess')))).toThrow('wrong length');
  });
});

function heardBytes(bytes: Buffer): void {
  const end: Pair['server'] = server();
  feed(end, Buffer.concat([Buffer.from('SSH-2.0-test\r\n'), bytes]));
}
