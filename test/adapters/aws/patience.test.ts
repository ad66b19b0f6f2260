import { describe, expect, it } from 'vitest';
import { patiently } from '#adapters/aws/patience.ts';

function fails(times: number, name = 'ThrottlingException') {
  let tries = 0;
  const work = async (): Promise<number> => {
    tries += 1;
    if (tries <= times) throw Object.assign(new Error(`try ${tries}`), { name });
    return tries;
  };
  return work;
}

/** A clock that only pauses move. */
function patience(forMs: number) {
  const pauses: number[] = [];
  let now = 1_000;
  const pause = async (ms: number): Promise<void> => {
    pauses.push(ms);
    now += ms;
  };
  return { pauses, forMs, clock: () => now, pause };
}

describe('patience', () => {
  it('tries again, less and less often, until it is done', async () => {
    const given = patience(60_000);
    expect(await patiently(fails(7), given)).toBe(8);
    expect(given.pauses).toEqual([20, 40, 80, 160, 320, 500, 500]);
  });

  it('is over when it is over, and tells of the last try', async () => {
    const given = patience(1_000);
    await expect(patiently(fails(100), given)).rejects.toThrow('try 6');
    expect(given.pauses).toEqual([20, 40, 80, 160, 320]);
  });

  it('has none with what no waiting mends', async () => {
    const given = patience(60_000);
    await expect(patiently(fails(1, 'ValidationException'), given)).rejects.toThrow('try 1');
    expect(given.pauses).toEqual([]);
  });
});
