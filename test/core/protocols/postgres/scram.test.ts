import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseBackend } from '#core/protocols/postgres/backend.ts';
import { certificateHash } from '#core/protocols/postgres/channel-binding.ts';
import { parsePassword, parseSaslInitialResponse } from '#core/protocols/postgres/frontend.ts';
import { md5Password } from '#core/protocols/postgres/md5.ts';
import { MessageReader } from '#core/protocols/postgres/messages.ts';
import { preparePassword } from '#core/protocols/postgres/saslprep.ts';
import {
  type ChannelBinding,
  chooseScram,
  SCRAM_MAX_ITERATIONS,
  ScramClient,
} from '#core/protocols/postgres/scram.ts';
import { readStartup } from '#core/protocols/postgres/startup.ts';
import { capturedStream } from '#test/vectors/postgres/read.ts';

const plain: ChannelBinding = { flag: 'n' };
const refused = expect.objectContaining({ code: 'target-refused' });

/** Bodies of the 'p' messages of a captured login, and what the server's authentication requests held. */
function capturedLogin(name: string) {
  const client = capturedStream(name, 0);
  const answers = bodies(client.subarray(readStartup(client)!.byteLength), 0x70);
  const requests = bodies(capturedStream(name, 1), 0x52).map((body) => parseBackend(0x52, body));
  return { answers, requests };
}

function bodies(bytes: Uint8Array, type: number): Uint8Array[] {
  const reader = new MessageReader(1 << 20);
  reader.push(bytes);
  return [...reader].flatMap((found) => (found.type === type && !found.truncated ? [found.body] : []));
}

function dataOf(requests: ReturnType<typeof capturedLogin>['requests'], kind: string): Uint8Array {
  const found = requests.find((request) => request.kind === kind);
  if (found === undefined || !('data' in found)) throw new Error(`no ${kind} in the capture`);
  return found.data;
}

describe('SCRAM-SHA-256', () => {
  const rfc7677 = {
    user: 'user',
    password: 'pencil',
    nonce: 'rOprNGfwEbeRWgbNEkqO',
    binding: plain,
  };
  const serverFirst =
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';

  test('gives the messages of RFC 7677 section 3', async () => {
    const client = new ScramClient(rfc7677);
    expect(text(client.first())).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    expect(text(await client.final(Buffer.from(serverFirst)))).toBe(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    );
    client.verify(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='));
  });

  test.each([
    ['login-scram', 'SCRAM-SHA-256', false],
    ['login-scram-plus', 'SCRAM-SHA-256-PLUS', true],
  ])('gives the messages of libpq and PostgreSQL 15: %s', async (name, mechanism, tls) => {
    const { answers, requests } = capturedLogin(name);
    const initial = parseSaslInitialResponse(answers[0]!);
    const choice = chooseScram(mechanismsOf(requests), tls ? serverCertificateHash() : undefined)!;
    expect(choice.mechanism).toBe(mechanism);
    expect(initial.mechanism).toBe(mechanism);
    const nonce = /r=(.*)$/.exec(text(initial.data!))![1]!;
    const client = new ScramClient({ password: 'scram secret', nonce, binding: choice.binding });
    expect(text(client.first())).toBe(text(initial.data!));
    expect(text(await client.final(dataOf(requests, 'authentication-sasl-continue')))).toBe(
      text(answers[1]!),
    );
    client.verify(dataOf(requests, 'authentication-sasl-final'));
  });

  test('refuses a server that does not prove that it knows the password', async () => {
    const client = new ScramClient(rfc7677);
    expect(() => client.verify(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))).toThrow(
      refused,
    );
    await client.final(Buffer.from(serverFirst));
    for (const final of [
      'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=',
      'v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
      'v=',
      'v=6rri',
      '',
      'e=invalid-proof',
      'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4',
    ]) {
      expect(() => client.verify(Buffer.from(final))).toThrow(refused);
    }
  });

  test.each([
    ['another nonce', 'r=other%hvYDp,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['a nonce that adds nothing', 'r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['no salt', 'r=rOprNGfwEbeRWgbNEkqO1,s=,i=4096'],
    ['a salt that is not base64', 'r=rOprNGfwEbeRWgbNEkqO1,s=W22$,i=4096'],
    ['no iterations', 'r=rOprNGfwEbeRWgbNEkqO1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0'],
    [
      'too many iterations',
      `r=rOprNGfwEbeRWgbNEkqO1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=${SCRAM_MAX_ITERATIONS + 1}`,
    ],
    ['iterations that are no number', 'r=rOprNGfwEbeRWgbNEkqO1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096x'],
    ['a mandatory extension', 'm=x,r=rOprNGfwEbeRWgbNEkqO1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['a message that is too long', `${serverFirst},${'x'.repeat(5000)}`],
    ['nothing', ''],
  ])('refuses a server-first-message with %s', async (_, first) => {
    await expect(new ScramClient(rfc7677).final(Buffer.from(first))).rejects.toThrow(refused);
  });

  // Security case 17: stripping -PLUS from the list shows, as the flag is under the proof.
  test('chooses binding where it can, and says so where the server seems not to', () => {
    const hash = new Uint8Array(32);
    const both = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];
    const plus = { mechanism: 'SCRAM-SHA-256-PLUS', binding: { flag: 'p', certificateHash: hash } };
    expect(chooseScram(both, hash)).toEqual(plus);
    expect(chooseScram(['SCRAM-SHA-256'], hash)).toEqual({
      mechanism: 'SCRAM-SHA-256',
      binding: { flag: 'y' },
    });
    expect(chooseScram(both, undefined)).toEqual({ mechanism: 'SCRAM-SHA-256', binding: { flag: 'n' } });
    expect(chooseScram(['SCRAM-SHA-256-PLUS'], undefined)).toBeUndefined();
    expect(chooseScram(['OAUTHBEARER'], hash)).toBeUndefined();
    expect(text(new ScramClient({ ...rfc7677, binding: { flag: 'y' } }).first())).toMatch(/^y,,/);
  });

  test('prepares passwords as the server does', () => {
    expect(preparePassword('pass word\x7f')).toBe('pass word\x7f');
    // RFC 4013 section 3: examples 1, 4, 5; 6 and 7 are not allowed, and are then taken as they are.
    expect(preparePassword('I\u00adX')).toBe('IX');
    expect(preparePassword('\u00aa')).toBe('a');
    expect(preparePassword('\u2168')).toBe('IX');
    expect(preparePassword('\u0007é')).toBe('\u0007é');
    expect(preparePassword('\u06271')).toBe('\u06271');
    expect(preparePassword('a\u00a0b')).toBe('a b');
    expect(preparePassword('\u00ad')).toBe('\u00ad');
    expect(preparePassword('\u{1f600}')).toBe('\u{1f600}');
  });
});

describe('md5Password', () => {
  test('gives the answer of libpq', () => {
    const { answers, requests } = capturedLogin('login-md5');
    const request = requests.find((found) => found.kind === 'authentication-md5')!;
    expect(md5Password('md5user', 'md5 secret', request.salt)).toBe(parsePassword(answers[0]!));
  });
});

describe('certificateHash', () => {
  test('takes the hash of the certificate signature', () => {
    expect(Buffer.from(serverCertificateHash()).toString('hex')).toBe(
      new X509Certificate(serverCertificate()).fingerprint256.replaceAll(':', '').toLowerCase(),
    );
  });

  test.each([
    ['rsa-sha1', 32],
    ['rsa-sha384', 48],
    ['ecdsa-sha512', 64],
    ['ed25519', undefined],
  ])('of %s is %s bytes', (name, bytes) => {
    const pem = readFileSync(new URL(`../../../vectors/postgres/certificates/${name}.crt`, import.meta.url));
    expect(certificateHash(new X509Certificate(pem).raw)?.length).toBe(bytes);
  });
});

function mechanismsOf(requests: ReturnType<typeof capturedLogin>['requests']): readonly string[] {
  return requests.find((request) => request.kind === 'authentication-sasl')!.mechanisms;
}

function serverCertificate(): Buffer {
  return readFileSync(new URL('../../../vectors/postgres/server.crt', import.meta.url));
}

function serverCertificateHash(): Uint8Array {
  return certificateHash(new X509Certificate(serverCertificate()).raw)!;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
