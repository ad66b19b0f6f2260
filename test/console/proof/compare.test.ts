import { expect, test } from 'vitest';
import type { EvidenceFacts } from '#core/recording/verify/verify.ts';
import type { Session } from '../../../console/api/types.ts';
import { compared } from '../../../console/proof/compare.ts';
import { checksOf } from '../../../console/proof/checks.ts';

const facts: EvidenceFacts = {
  session: '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f',
  principal: { issuer: 'https://id.example', subject: 'dev-1', email: 'dana@example.com' },
  target: { name: 'orders-db', protocol: 'postgres', address: 'db:5432' },
  startedAt: '2026-11-23T09:00:00.000Z',
  endedAt: '2026-11-23T09:04:10.120Z',
  reason: 'client-closed',
  recovered: false,
  segments: 3,
  frames: 8,
  bytes: 75,
  recordedUntil: 250,
};

function told(more: Partial<Session> = {}): Session {
  const { principal, target, startedAt, endedAt, reason, recovered, segments, frames, bytes } = facts;
  return {
    id: facts.session,
    state: 'closed',
    startedAt,
    principal,
    target: target.name,
    protocol: target.protocol,
    rule: 'r',
    task: 't',
    client: { address: 'c' },
    outcome: { endedAt: endedAt!, reason: reason!, recovered, segments, frames, bytes },
    ...more,
  };
}

function differing(session: Session | undefined): string[] {
  const open = { target: {}, client: { address: 'c' }, grant: { rule: 'r' } } as never;
  return compared(facts, open, session)
    .filter(({ differs }) => differs)
    .map(({ name }) => name);
}

test('an API that says what the evidence says differs nowhere', () => {
  expect(differing(told())).toEqual([]);
  expect(differing(undefined)).toEqual([]);
});

test.each<[what: string, more: Partial<Session>, names: string[]]>([
  ['somebody else', { principal: { issuer: 'https://id.example', subject: 'eve' } }, ['Who', 'Subject']],
  ['another target', { target: 'other-db' }, ['Target']],
  ['a request there was not', { grant: 'x' }, ['Request']],
  ['another rule', { rule: 'other' }, ['Rule']],
  ['fewer bytes', { outcome: { ...told().outcome!, bytes: 1 } }, ['Bytes']],
])('an API that says %s differs there', (_what, more, names) => {
  expect(differing(told(more))).toEqual(names);
});

test('an API that says it is live, of a session that has ended', () => {
  const { outcome: _, ...live } = told();
  expect(differing(live)).toEqual([
    'Ended',
    'Reason',
    'Sealed from the journal',
    'Segments',
    'Frames',
    'Bytes',
  ]);
});

test('what rests on an opening that does not hold is not said to hold', () => {
  const finding = { code: 'signature-invalid', object: 'open.json', message: 'x' } as const;
  const names = new Set(['open.json', 'close.json', '00000000.seg', 'signer.pem']);
  const checks = checksOf({
    report: { verdict: 'failed', findings: [finding], facts },
    opening: undefined,
    names,
  });
  expect(checks.map(({ what, state }) => `${what} ${state}`)).toEqual([
    'Signer holds',
    'Opening fails',
    'Recording open',
    'End open',
    'Ledger open',
    'Nothing else holds',
  ]);
});
