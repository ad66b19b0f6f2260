import { describe, expect, test } from 'vitest';
import { buildEvidence, SESSION, sha256, spki, threeSegments } from '#test/support/evidence-builder.ts';
import { check, codes, good, keys } from '#test/support/evidence-checks.ts';

test('untouched evidence is verified', async () => {
  const report = await check(good(), SESSION);
  expect(report.findings).toEqual([]);
  expect(report.verdict).toBe('verified');
  expect(report.facts).toMatchObject({
    session: SESSION,
    principal: { subject: 'dev-1' },
    target: { name: 'orders-db' },
    reason: 'client-closed',
    recovered: false,
    segments: 3,
    frames: 8,
    bytes: 75,
    recordedUntil: 250_120_000,
    signer: sha256(spki(keys.signer)),
  });
  expect(report.facts).not.toHaveProperty('completeness');
});

test('who acted, and what else the statement says of the principal, is among the facts', async () => {
  const actors = [{ issuer: 'https://ci.example', subject: 'agent-7' }];
  const principal = {
    issuer: 'https://id.example',
    issuerName: 'okta',
    subject: 'dev-1',
    actors,
    claims: { ref: 'refs/heads/main', roles: ['a'] },
    claimsOmitted: 1,
    leeway: 3,
    groups: [],
    groupsOmitted: 2,
  };
  const report = await check(buildEvidence(keys, threeSegments(), { open: { principal } }), SESSION);
  expect(report.verdict).toBe('verified');
  expect(report.facts?.principal).toEqual({
    issuer: 'https://id.example',
    issuerName: 'okta',
    subject: 'dev-1',
    actors,
    leeway: 3,
  });
});

test.each<[what: string, more: object]>([
  ['a chain without actors', { actors: [] }],
  ['an actor without an issuer', { actors: [{ subject: 'agent-7' }] }],
  ['an actor that is a text', { actors: ['agent-7'] }],
  ['a claim that is a number', { claims: { ref: 7 } }],
  ['a leeway below nothing', { leeway: -1 }],
])('a statement with %s is malformed', async (_what, more) => {
  const principal = { issuer: 'i', subject: 's', groups: [], groupsOmitted: 0, ...more };
  const report = await check(buildEvidence(keys, threeSegments(), { open: { principal } }), SESSION);
  expect(codes(report)).toContain('statement-malformed open.json');
});

describe('sessions that are not a plain close', () => {
  test('recovered: verified, and says until when and how much may be missing', async () => {
    const close = { recovered: true, reason: 'recovered', recordedUntil: 8_500 };
    const report = await check(buildEvidence(keys, threeSegments(), { close }));
    expect(report.verdict).toBe('verified');
    expect(report.facts).toMatchObject({ recovered: true, reason: 'recovered', recordedUntil: 8_500 });
    expect(report.facts?.completeness).toBe(
      'The gateway died: the recording is complete up to 2026-11-23T09:00:00.008Z (0.008500 s after the start), ' +
        'and at most the 250 ms after that may be missing.',
    );
  });

  test('without frames: verified, close.json ends with open.json', async () => {
    const report = await check(buildEvidence(keys, []));
    expect(report.verdict).toBe('verified');
    expect(report.facts).toMatchObject({ segments: 0, frames: 0, bytes: 0 });
  });

  test('without frames, claiming another end', async () => {
    const report = await check(buildEvidence(keys, [], { close: { last: '0'.repeat(64) } }));
    expect(codes(report)).toEqual(['last-hash-mismatch close.json']);
  });
});
