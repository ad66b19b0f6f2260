import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { PolicyInForce } from '#core/access/policy.ts';
import { CustodyError } from '#core/errors.ts';

const config = (more = ''): Config =>
  parseConfig(
    `version: 1\nidentity: { issuer: "https://id.example", audience: c }\ntargets: {}\n${more}`,
    'c',
  );
const invalid = (message: string): CustodyError => new CustodyError('config-invalid', message);

/** A file whose next reads are these, the last one for ever; and what was adopted. */
function policy(...reads: readonly (Config | CustodyError)[]) {
  const adopted: string[] = [];
  const left = [...reads];
  const ledger = { failing: false };
  const made = new PolicyInForce(config(), {
    read: async () => {
      const next = left.length > 1 ? left.shift()! : left[0]!;
      if (next instanceof CustodyError) throw next;
      return next;
    },
    adopt: async ({ version }) => {
      if (ledger.failing) throw new Error('the disk is full');
      adopted.push(version);
    },
    now: () => new Date('2026-11-23T09:00:00.000Z'),
  });
  return { made, adopted, ledger };
}

const [one, two] = [config('# one'), config('# two')];

describe('the configuration in force', () => {
  it('changes once a new one was found twice, and its leaf is queued', async () => {
    const { made, adopted } = policy(one);
    expect(await made.check()).toBeUndefined();
    expect(made.config.version).toBe(config().version);
    expect(await made.check()).toBe(one);
    expect([made.config, adopted]).toEqual([one, [one.version]]);
    expect(await made.check()).toBeUndefined();
    expect(adopted).toHaveLength(1);
  });

  it('is not one that was half written, valid or not', async () => {
    const { made, adopted } = policy(two, invalid('empty'), one, one);
    for (let look = 0; look < 3; look += 1) expect(await made.check()).toBeUndefined();
    expect(made.refused).toBeUndefined();
    expect(await made.check()).toBe(one);
    expect(adopted).toEqual([one.version]);
  });

  it('stays when the new one is not valid, and says so once, for as long as it is there', async () => {
    const bad = invalid('custody.yaml:7:3: no');
    const { made } = policy(bad, bad, bad, one, one);
    await made.check();
    expect(await made.check()).toEqual({ error: bad, since: new Date('2026-11-23T09:00:00.000Z') });
    expect(await made.check()).toBeUndefined();
    expect([made.config.version, made.refused?.error]).toEqual([config().version, bad]);
    await made.check();
    expect(await made.check()).toBe(one);
    expect(made.refused).toBeUndefined();
  });

  it('is good again when the old file is back', async () => {
    const { made, adopted } = policy(invalid('no'), invalid('no'), config(), config());
    for (let look = 0; look < 4; look += 1) await made.check();
    expect([made.refused, adopted]).toEqual([undefined, []]);
  });

  it('stays when the new one cannot be entered into the ledger, which is tried again', async () => {
    const { made, ledger } = policy(one);
    ledger.failing = true;
    for (let look = 0; look < 3; look += 1) await made.check();
    expect(made.config.version).toBe(config().version);
    ledger.failing = false;
    await made.check();
    await made.check();
    expect(made.config).toBe(one);
  });
});
