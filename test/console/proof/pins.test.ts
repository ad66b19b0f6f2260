import { describe, expect, test } from 'vitest';
import type { VerifyReport } from '#core/recording/verify/verify.ts';
import { judged, trustOf } from '../../../console/proof/judged.ts';
import { KeptStore } from '../../../console/proof/ledger/kept.ts';
import { PinStore } from '../../../console/proof/pins.ts';
import { standingOf } from '../../../console/proof/standing.ts';

const [ours, theirs] = ['a'.repeat(64), 'b'.repeat(64)];
const PINS = { fingerprint: ours, ledger: 'custody.example/ledger', since: '2026-11-29T20:00:00.000Z' };
const OFFERED = { fingerprint: ours, ledger: PINS.ledger, pem: '', der: new Uint8Array(), note: '' };

function memory(entries: readonly (readonly [string, string])[] = []) {
  const kept = new Map(entries);
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

describe('pins', () => {
  test('are there again in the next tab, until the person forgets them', () => {
    const store = memory();
    new PinStore(store).pin(PINS);
    const next = new PinStore(store);
    expect(next.pins.value).toEqual(PINS);
    next.forget();
    expect(new PinStore(store).pins.value).toBeUndefined();
  });

  test.each([
    '',
    '{',
    '[]',
    '{"fingerprint":"x","ledger":"l","since":"s"}',
    `{"fingerprint":"${ours}","ledger":""}`,
  ])('that are none count as none: %s', (text) => {
    expect(new PinStore(memory([['custody-pins', text]])).pins.value).toBeUndefined();
  });

  test.each([
    ['new', undefined, OFFERED],
    ['as-pinned', PINS, OFFERED],
    ['as-pinned', PINS, { fingerprint: ours, ledger: undefined }],
    ['signer-changed', PINS, { ...OFFERED, fingerprint: theirs }],
    ['ledger-changed', PINS, { ...OFFERED, ledger: 'other.example/ledger' }],
  ] as const)('%s', (standing, pins, offered) => {
    expect(standingOf(pins, offered)).toBe(standing);
  });
});

describe('a report', () => {
  const verified = {
    verdict: 'verified',
    findings: [],
    facts: { ledger: { origin: PINS.ledger, size: 3, opened: true, ended: true } },
  } as unknown as VerifyReport;

  test('is no proof under the gateway’s own word, and is with the same word pinned', () => {
    expect(trustOf(undefined, OFFERED)).toEqual(trustOf(PINS, OFFERED));
    const { verdict, findings } = judged(verified, undefined);
    expect([verdict, ...findings.map(({ code }) => code)]).toEqual([
      'unanchored',
      'signer-unanchored',
      'ledger-unanchored',
    ]);
    expect(judged(verified, PINS)).toBe(verified);
  });

  test('that failed stays failed without pins', () => {
    const finding = { code: 'content-hash-mismatch', object: '00000000.seg', message: 'x' } as const;
    expect(judged({ ...verified, verdict: 'failed', findings: [finding] }, undefined).verdict).toBe('failed');
  });
});

test('checkpoints are kept once each, and of too many the oldest and the newest stay', () => {
  const store = memory();
  const kept = new KeptStore(store);
  for (let at = 0; at < 120; at += 1) {
    const one = { note: `note ${at}`, at: '2026-11-29T20:00:00.000Z' };
    kept.keep(one);
    kept.keep(one);
  }
  const notes = new KeptStore(store).kept.value.map(({ note }) => note);
  expect([notes.length, notes[0], notes.at(-1)]).toEqual([100, 'note 0', 'note 119']);
  expect(new KeptStore(memory([['custody-checkpoints', '{"a":1}']])).kept.value).toEqual([]);
});
