import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IssuerKeys } from '#adapters/oidc/issuer-keys.ts';
import { headerOf } from '#adapters/oidc/token-form.ts';
import {
  type Answer,
  answerJson,
  DISCOVERY,
  JWKS,
  makeKey,
  signToken,
  startIssuer,
  type TestIssuer,
  type TestKey,
} from '#test/support/issuer.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

let issuer: TestIssuer;
let key: TestKey;
let clock = 0;
let keys: IssuerKeys;

beforeEach(async () => {
  issuer = await startIssuer();
  key = await makeKey('key-1');
  issuer.keys = [key.jwk];
  clock = Date.now();
  keys = new IssuerKeys({ issuer: issuer.url, allowHttpLoopback: true }, () => clock);
});

afterEach(() => issuer.close());

const INVALID = { code: 'token-invalid', guess: true };
const UNREACHABLE = { code: 'issuer-unreachable', guess: false };

async function show(signer = key, keysLastFor = DAY): Promise<unknown> {
  const token = await signToken(issuer, signer);
  const terms = { algorithms: ['ES256', 'RS256'], keysLastFor };
  return keys.verified(token, headerOf(token), terms);
}

/** Until whatever is asked in the background has its answer. */
const answered = (): Promise<void> => keys.refresh();

describe('a token that outlived its key', () => {
  const stranger = makeKey('gone');
  it.each<[what: string, secondsToEnd: number | undefined, guess: boolean]>([
    ['is no guess where it is over: it would not be let in, whoever signed it', -61, false],
    ['is one while leeway might let it in', -59, true],
    ['is one before its end', 3600, true],
    ['is one without an end', undefined, true],
  ])('%s', async (_what, seconds, guess) => {
    const exp = seconds === undefined ? undefined : Math.floor(clock / SECOND) + seconds;
    const token = await signToken(issuer, await stranger, { exp });
    const terms = { algorithms: ['ES256'], keysLastFor: DAY };
    await expect(keys.verified(token, headerOf(token), terms)).rejects.toMatchObject({ ...INVALID, guess });
  });

  it('is a guess where its key is there, and did not sign it', async () => {
    const other = { ...(await stranger), kid: key.kid };
    const token = await signToken(issuer, other, { exp: 1 });
    const terms = { algorithms: ['ES256'], keysLastFor: DAY };
    await expect(keys.verified(token, headerOf(token), terms)).rejects.toMatchObject(INVALID);
  });
});

describe('the keys of an issuer that is away', () => {
  beforeEach(async () => {
    await show();
    issuer.down = true;
  });

  it('serve for as long as the file says, and no longer (security case 12)', async () => {
    for (const ms of [10 * MINUTE, 60 * MINUTE, DAY - 20 * MINUTE]) {
      clock += ms - 1;
      await show();
      clock += 1 - ms;
    }
    clock += DAY - 1;
    await show();
    clock += 1;
    await expect(show()).rejects.toMatchObject(UNREACHABLE);
    issuer.down = false;
    clock += SECOND;
    await show();
  });

  it('serve for a time of their own', async () => {
    clock += 10 * MINUTE - 1;
    await show(key, 10 * MINUTE);
    clock += 1;
    await expect(show(key, 10 * MINUTE)).rejects.toMatchObject(UNREACHABLE);
  });

  it('are waited for once in five minutes at most, also where the issuer only hangs', async () => {
    clock += 10 * MINUTE;
    await show(); // waits, and learns that it is away
    issuer.down = false;
    const asked = issuer.asked.length;
    issuer.answers.set(DISCOVERY, () => undefined);
    clock += 10 * SECOND;
    await Promise.all(Array.from({ length: 20 }, () => show()));
    clock += 4 * MINUTE;
    await show();
    expect(issuer.asked.length - asked).toBeLessThanOrEqual(1);
  });

  it('are asked for every ten seconds, not at each login', async () => {
    clock += 5 * MINUTE;
    const asked = issuer.asked.length;
    for (let n = 0; n < 30; n += 1) {
      await show();
      await answered();
      clock += SECOND;
    }
    expect(issuer.asked.length - asked).toBe(3);
  });

  it('alarm from ten minutes on, until it answers', async () => {
    expect(keys.away()).toBeUndefined();
    clock += 10 * MINUTE - 1;
    await keys.refresh();
    expect(keys.away()).toBeUndefined();
    clock += 1;
    expect(keys.away()).toMatchObject({ issuer: issuer.url, ms: 10 * MINUTE, why: 'fetch failed' });
    clock += DAY;
    await keys.refresh();
    expect(keys.away()).toMatchObject({ ms: DAY + 10 * MINUTE });
    issuer.down = false;
    clock += 10 * SECOND;
    await keys.refresh();
    expect(keys.away()).toBeUndefined();
  });

  it('alarm no more once it has answered, also where nobody asks it again for long', async () => {
    clock += 5 * MINUTE;
    await keys.refresh();
    issuer.down = false;
    clock += 10 * SECOND;
    await keys.refresh();
    clock += DAY;
    expect(keys.away()).toBeUndefined();
  });

  it('are those of the last answer, also when it comes back with others', async () => {
    clock += 30 * MINUTE;
    await show();
    const next = await makeKey('key-2');
    issuer.keys = [next.jwk];
    issuer.down = false;
    clock += 10 * SECOND;
    await answered();
    await show(next);
    await expect(show()).rejects.toMatchObject(INVALID);
  });

  it('serve on by a clock that is set back, and are asked for first', async () => {
    issuer.down = false;
    issuer.keys = [(await makeKey('key-2')).jwk];
    clock -= DAY;
    await expect(show()).rejects.toMatchObject(INVALID);
  });
});

describe('a key that its issuer withdrew', () => {
  it('is gone after ten minutes at the latest, whoever comes when (security case 12)', async () => {
    await show();
    issuer.keys = [(await makeKey('key-2')).jwk];
    clock += 10 * MINUTE;
    await expect(show()).rejects.toMatchObject(INVALID);
  });

  it('is gone after five where somebody refreshes each minute (security case 12)', async () => {
    await show();
    issuer.keys = [(await makeKey('key-2')).jwk];
    clock += 5 * MINUTE;
    await keys.refresh();
    await expect(show()).rejects.toMatchObject(INVALID);
  });

  it('is gone within five of its coming back, where it was away before (security case 12)', async () => {
    await show();
    issuer.down = true;
    clock += 20 * MINUTE;
    await show();
    issuer.down = false;
    issuer.keys = [(await makeKey('key-2')).jwk];
    clock += 5 * MINUTE;
    await expect(show()).rejects.toMatchObject(INVALID);
  });
});

const oct = { kty: 'oct', kid: 'key-1', k: 'c2VjcmV0' };

describe('an answer that is no set of keys', () => {
  it.each<[what: string, answer: Answer, why: string]>([
    ['an error', (_, response) => response.writeHead(503).end(), 'answered 503'],
    ['a page', (_, response) => response.writeHead(200).end('<html>'), 'is not JSON'],
    ['an empty answer', (_, response) => response.writeHead(200).end(), 'is not JSON'],
    ['nothing in a list', (_, response) => answerJson(response, { keys: [] }), 'no key for signatures'],
    ['no list', (_, response) => answerJson(response, {}), 'no list of keys'],
    ['a list alone', (_, response) => answerJson(response, [key.jwk]), 'no list of keys'],
    ['null', (_, response) => answerJson(response, { keys: [null, 1, 'x'] }), 'no key for signatures'],
    [
      'a shared secret alone',
      (_, response) => answerJson(response, { keys: [oct] }),
      'type that is not taken',
    ],
    [
      'a thousand keys',
      (_, response) => answerJson(response, { keys: Array.from({ length: 1000 }, () => key.jwk) }),
      'more than 100 keys',
    ],
  ])('withdraws nothing, and counts as none: %s', async (_what, answer, why) => {
    await show();
    issuer.answers.set(JWKS, answer);
    clock += 10 * MINUTE;
    await show();
    expect(keys.away()).toMatchObject({ why: expect.stringContaining(why) as string });
    issuer.answers.clear();
    clock += 10 * SECOND;
    await keys.refresh();
    expect(keys.away()).toBeUndefined();
  });

  it('makes nobody wait for more than one question where there are no keys yet', async () => {
    issuer.answers.set(JWKS, (_, response) => answerJson(response, { keys: [] }));
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => show()));
    for (const one of all) expect(one).toMatchObject({ reason: UNREACHABLE });
    await expect(show()).rejects.toMatchObject(UNREACHABLE);
    expect(issuer.asked).toEqual([DISCOVERY, JWKS]);
    issuer.answers.clear();
    clock += SECOND;
    await show();
  });
});

describe('a key that is not known', () => {
  it('is asked for once for all that wait for it, and all get in', async () => {
    await show();
    const next = await makeKey('key-2');
    issuer.keys = [key.jwk, next.jwk];
    await Promise.all(Array.from({ length: 20 }, () => show(next)));
    expect(issuer.asked).toEqual([DISCOVERY, JWKS, JWKS]);
  });

  it('that somebody made up is asked for again after ten seconds, and others get in meanwhile', async () => {
    await show();
    const forger = await makeKey('made-up');
    await expect(show(forger)).rejects.toMatchObject(INVALID);
    clock += 10 * SECOND - 1;
    await expect(show(forger)).rejects.toMatchObject(INVALID);
    await show();
    expect(issuer.asked).toEqual([DISCOVERY, JWKS, JWKS]);
    clock += 1;
    await expect(show(forger)).rejects.toMatchObject(INVALID);
    expect(issuer.asked).toEqual([DISCOVERY, JWKS, JWKS, JWKS]);
  });
});
