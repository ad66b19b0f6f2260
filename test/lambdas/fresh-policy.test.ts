import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { FreshPolicy } from '#lambdas/fresh-policy.ts';

const config = (comment: string): Config =>
  parseConfig(
    `version: 1\nidentity: { issuer: "https://id.example", audience: c }\ntargets: {}\n# ${comment}\n`,
    'c',
  );
const [ONE, TWO] = [config('one'), config('two')];
const UNSEEN = new CustodyError('store-unavailable', 'the gateway cannot reach what it keeps its state in');
const INVALID = new CustodyError('config-invalid', 'custody.yaml:1:1: no');

/** A bucket whose configuration a test changes, and a clock that a test moves. */
async function stand() {
  const bucket = { holds: ONE as Config | Error, reads: 0 };
  let now = Date.parse('2026-11-23T09:00:00.000Z');
  const read = async (): Promise<Config> => {
    bucket.reads += 1;
    if (bucket.holds instanceof Error) throw bucket.holds;
    return bucket.holds;
  };
  const policy = await FreshPolicy.of(read, () => new Date(now));
  return { bucket, policy, later: (ms: number) => (now += ms) };
}

describe('the policy that a function goes by', () => {
  it('is no policy where there is none to read: then there is no function either', async () => {
    const read = () => Promise.reject(INVALID);
    await expect(FreshPolicy.of(read, () => new Date(0))).rejects.toBe(INVALID);
  });

  it('is the newest at the call after two seconds, however long the function slept (security case 12)', async () => {
    const { bucket, policy, later } = await stand();
    bucket.holds = TWO;
    later(2_000);
    await policy.look();
    expect(policy.config()).toBe(TWO);
    expect(policy.inForce.config).toBe(TWO);
  });

  it('is not asked for at every call', async () => {
    const { bucket, policy, later } = await stand();
    later(1_999);
    await policy.look();
    expect([bucket.reads, policy.config()]).toEqual([1, ONE]);
    later(1);
    await policy.look();
    await policy.look();
    expect(bucket.reads).toBe(2);
  });

  it('lets nobody in while it cannot be seen, and does again once it can (security case 12)', async () => {
    const { bucket, policy, later } = await stand();
    bucket.holds = UNSEEN;
    later(2_000);
    await expect(policy.look()).rejects.toBe(UNSEEN);
    // At once, too: what could not be seen was not looked at.
    await expect(policy.look()).rejects.toBe(UNSEEN);
    bucket.holds = TWO;
    await policy.look();
    expect(policy.config()).toBe(TWO);
  });

  it('stays what it was when it went bad, and says so: nobody is let in who was not, and those who mend it are', async () => {
    const { bucket, policy, later } = await stand();
    bucket.holds = INVALID;
    later(2_000);
    await policy.look();
    expect(policy.config()).toBe(ONE);
    expect(policy.inForce.refused).toMatchObject({ error: INVALID });
    bucket.holds = TWO;
    later(2_000);
    await policy.look();
    expect([policy.config(), policy.inForce.refused]).toEqual([TWO, undefined]);
  });

  it('rejects what a defect throws: it is no refused configuration', async () => {
    const { bucket, policy, later } = await stand();
    bucket.holds = new TypeError('a defect');
    later(2_000);
    await expect(policy.look()).rejects.toThrow('internal error');
  });
});
