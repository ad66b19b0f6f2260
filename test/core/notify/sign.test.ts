import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { attemptHeaders, signatureHeader, signingKey } from '#core/notify/sign.ts';

const AT = new Date('2026-03-01T12:00:00.999Z');
const ID = '0198c0de-0000-7000-8000-000000000001/0';
const NO_MATCH = 'No matching signature found';
const BYTES = Buffer.from('0123456789abcdef01234567');

// The other library compares the time of an attempt with its own clock.
beforeEach(() => void vi.useFakeTimers({ now: AT }));
afterEach(() => void vi.useRealTimers());

function signed(secret: string, body: string, at = AT): Record<string, string> {
  return { ...attemptHeaders(ID, at), ...signatureHeader(signingKey(secret), ID, at, body) };
}

describe('a signature', () => {
  it('is what the reference library of Standard Webhooks accepts', () => {
    const secrets = fc.uint8Array({ minLength: 24, maxLength: 64 });
    fc.assert(
      fc.property(secrets, fc.string({ unit: 'binary' }), (bytes, text) => {
        const secret = `whsec_${Buffer.from(bytes).toString('base64')}`;
        const body = JSON.stringify({ text });
        expect(new Webhook(secret).verify(body, signed(secret, body))).toEqual({ text });
      }),
    );
  });

  it('is made with the bytes of a text that is not base64', () => {
    const secret = 'a pass phrase with ümlauts, long enough';
    const other = new Webhook(Buffer.from(secret, 'utf8'), { format: 'raw' });
    expect(other.verify('{}', signed(secret, '{}'))).toEqual({});
  });

  it('is what that library makes', () => {
    const secret = `whsec_${BYTES.toString('base64')}`;
    const theirs = new Webhook(secret).sign(ID, AT, '{"a":1}');
    expect(signed(secret, '{"a":1}')).toEqual({
      'webhook-id': ID,
      'webhook-timestamp': '1772366400',
      'webhook-signature': theirs,
    });
    // The same with openssl: printf '<id>.<seconds>.{"a":1}' | openssl dgst -sha256 -hmac <bytes> -binary | base64
    expect(theirs).toBe('v1,uhAsGL/w1v3JKYN2I7mPNcn+SH6AL6IDR+MtRhJtkh0=');
  });

  it('is bound to id, time, body and secret', () => {
    const secret = `whsec_${BYTES.toString('base64')}`;
    const other = new Webhook(secret);
    const good = signed(secret, '{}');
    expect(() => other.verify('{ }', good)).toThrow(NO_MATCH);
    expect(() => other.verify('{}', { ...good, 'webhook-id': ID.replace('/0', '/1') })).toThrow(NO_MATCH);
    expect(() => other.verify('{}', { ...good, 'webhook-timestamp': '1772366401' })).toThrow(NO_MATCH);
    const another = Buffer.from(BYTES.toReversed()).toString('base64');
    expect(() => new Webhook(another).verify('{}', good)).toThrow(NO_MATCH);
  });

  it.each(['a.b', '', 'a b', 'a\r\nx: y', 'ü'])('is not made over the id %j', (id) => {
    const key = signingKey(`whsec_${BYTES.toString('base64')}`);
    expect(() => signatureHeader(key, id, AT, '{}')).toThrow(
      expect.objectContaining({ code: 'format-invalid' }),
    );
  });
});

describe('signingKey', () => {
  it.each([
    ['base64 of 24 bytes', `whsec_${BYTES.toString('base64')}`, BYTES],
    ['base64 with padding', `whsec_${Buffer.alloc(25, 7).toString('base64')}`, Buffer.alloc(25, 7)],
    ['a text of 24 bytes', BYTES.toString(), BYTES],
    ['bytes, not characters', 'ü'.repeat(12), Buffer.from('ü'.repeat(12))],
  ])('takes %s', (_what, secret, bytes) => {
    expect(Buffer.from(signingKey(secret))).toEqual(Buffer.from(bytes));
  });

  it.each([
    ['nothing', ''],
    ['23 bytes', BYTES.toString().slice(1)],
    ['base64 of 23 bytes', `whsec_${BYTES.subarray(1).toString('base64')}`],
    ['a prefix alone', 'whsec_'],
    ['what is not base64', `whsec_${'hunter2!'.repeat(6)}`],
    ['base64 cut off', `whsec_${BYTES.toString('base64').repeat(2).slice(1)}`],
    ['base64 with a line end inside', `whsec_${BYTES.toString('base64')}\n${BYTES.toString('base64')}`],
  ])('refuses %s, without telling it (security cases 5, 15)', (_what, secret) => {
    let thrown: unknown;
    try {
      signingKey(secret);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'config-invalid' });
    const { message, hint, detail, cause } = thrown as Record<string, unknown>;
    const told = JSON.stringify([message, hint, detail, cause]);
    expect(told).not.toContain(secret.slice(6, 18) || 'undefined');
  });
});
