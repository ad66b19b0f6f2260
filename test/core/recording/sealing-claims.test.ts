import { describe, expect, it } from 'vitest';
import { Claimant, CLAIM_MS } from '#core/recording/sealing-claims.ts';
import { sealingClaimsContract } from '#test/contract/sealing-claims.ts';
import { MemoryClaims } from '#test/support/memory-claims.ts';

sealingClaimsContract('memory', () => {
  const claims = new MemoryClaims();
  return () => claims;
});

const START = Date.parse('2026-11-23T10:00:00.000Z');

/** Two sealers, and the time. */
function sealers(claims = new MemoryClaims()) {
  const clock = { ms: START };
  const of = (holder: string): Claimant => new Claimant(claims, holder, () => new Date(clock.ms));
  return { claims, clock, one: of('one'), two: of('two') };
}

describe("a sealer's claim", () => {
  it('lasts for as long as there is progress, and is lengthened no more often than needed', async () => {
    const { claims, clock, one, two } = sealers();
    let asked = 0;
    const claim = claims.claim.bind(claims);
    claims.claim = async (...args) => {
      asked += 1;
      return claim(...args);
    };
    const held = await one.claim('task');
    for (let second = 0; second < 200; second += 1) {
      clock.ms += 1_000;
      await held!.progress();
    }
    expect(asked).toBe(11);
    expect(await two.claim('task')).toBeUndefined();
    clock.ms += CLAIM_MS;
    expect(await two.claim('task')).toBeDefined();
  });

  it('is over at once when it is released', async () => {
    const { one, two } = sealers();
    await (await one.claim('task'))!.release();
    expect(await two.claim('task')).toBeDefined();
  });

  it('stops nobody who cannot lengthen or release it: it is economy', async () => {
    const { claims, clock, one } = sealers();
    const held = await one.claim('task');
    claims.claim = () => Promise.reject(new Error('away'));
    claims.release = () => Promise.reject(new Error('away'));
    clock.ms += 60_000;
    await expect(held!.progress()).resolves.toBeUndefined();
    await expect(held!.release()).resolves.toBeUndefined();
  });
});
