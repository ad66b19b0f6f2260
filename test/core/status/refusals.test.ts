import { describe, expect, it } from 'vitest';
import { PULSE_MS, type Pulse } from '#core/status/pulse.ts';
import { RefusalTeller } from '#core/status/refusal-teller.ts';
import { claimedIssuer, RefusalCounter } from '#core/status/refusals.ts';

const T0 = Date.parse('2026-11-23T09:03:00.000Z');
const issuers = [
  { name: 'people', issuer: 'https://id.example' },
  { name: 'ci', issuer: 'https://ci.example' },
];
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (iss: string): string => `${part({ alg: 'none' })}.${part({ iss })}.x`;

describe('refused tokens', () => {
  it('are counted by reason and by ten minutes, and forgotten after an hour', () => {
    let ms = T0;
    const counter = new RefusalCounter('api', () => new Date(ms));
    counter.note('token-invalid', 'people');
    counter.note('token-invalid', 'people');
    counter.note('token-missing');
    const from = new Date('2026-11-23T09:00:00.000Z');
    expect(counter.counts()).toEqual([
      { from, door: 'api', code: 'token-invalid', issuer: 'people', count: 2 },
      { from, door: 'api', code: 'token-missing', count: 1 },
    ]);
    ms += 600_000;
    counter.note('token-missing');
    expect(counter.counts().map(({ count }) => count)).toEqual([2, 1, 1]);
    ms += 3_600_000;
    expect(counter.counts().map(({ code, count }) => [code, count])).toEqual([['token-missing', 1]]);
  });

  it('count for the issuer that they name, where the configuration has it; nothing else of them is kept', () => {
    expect(claimedIssuer(token('https://ci.example'), issuers)).toBe('ci');
    for (const other of [token('https://evil.example'), 'no.token', '', undefined])
      expect(claimedIssuer(other, issuers)).toBeUndefined();
  });

  it('are told at most once in a while, all of them, and again where they could not be told', async () => {
    const told: Pulse[] = [];
    let fails = true;
    let ms = T0;
    const tell = async (pulse: Pulse): Promise<void> => {
      if (fails) throw new Error('a bad day');
      told.push(pulse);
    };
    const now = (): Date => new Date(ms);
    const teller = new RefusalTeller({ pulses: { tell }, name: 'p', issuers: () => issuers, now });
    await teller.tellDue();
    teller.refused('token-invalid', token('https://id.example'));
    await expect(teller.tellDue()).rejects.toThrow('a bad day');
    fails = false;
    await teller.tellDue();
    expect(told).toEqual([]);
    ms += PULSE_MS;
    await teller.tellDue();
    teller.refused('token-missing', undefined);
    await teller.tellDue();
    expect(told.map(({ process, refused }) => [process, refused.length])).toEqual([['p', 1]]);
    ms += PULSE_MS;
    await teller.tellDue();
    await teller.tellDue();
    expect(told.map(({ refused }) => refused.map(({ issuer }) => issuer))).toEqual([
      ['people'],
      ['people', undefined],
    ]);
  });
});
