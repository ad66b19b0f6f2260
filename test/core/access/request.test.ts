import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { personOf } from '#core/access/person.ts';
import {
  type AccessQuestion,
  type AccessRequest,
  digestOf,
  grantOf,
  needsReview,
  openUntil,
  type RequestState,
  type Step,
  stateOf,
  stepOf,
} from '#core/access/request.ts';
import { after, grantedRequest, HOUR, idOf, iso, NOW, person, requestOf } from './support.ts';

const by = person('rui');
const granted: Step = { at: iso(-1), kind: 'granted', until: iso(HOUR) };
const approved: Step = { at: iso(-1), kind: 'approved', by, groups: ['leads'] };
const reviewed: Step = { at: iso(-1), kind: 'reviewed', by, verdict: 'justified' };
const used: Step = { at: iso(-1), kind: 'used', session: idOf(7) };
const denied: Step = { at: iso(-1), kind: 'denied', by, groups: ['leads'] };
const end = (kind: 'withdrawn' | 'returned' | 'revoked'): Step => ({ at: iso(-1), kind, by });
const FOREVER = Number.MAX_SAFE_INTEGER;

type Row = readonly [
  what: string,
  request: AccessRequest,
  state: RequestState,
  later: RequestState,
  openUntil: number,
];
/** `pendingUntil` and the end of the grant are an hour from NOW; `later` is then. */
const rows: readonly Row[] = [
  ['asked for', requestOf(), 'pending', 'expired', after(HOUR).getTime()],
  ['approved by one of two', requestOf({ steps: [approved] }), 'pending', 'expired', after(HOUR).getTime()],
  [
    'granted',
    requestOf({ steps: [approved, granted], pendingUntil: iso(0) }),
    'granted',
    'ended',
    after(HOUR).getTime(),
  ],
  ['granted and used', requestOf({ steps: [granted, used] }), 'used', 'ended', after(HOUR).getTime()],
  ['denied', requestOf({ steps: [denied] }), 'denied', 'denied', 0],
  ['approved by one, denied by another', requestOf({ steps: [approved, denied] }), 'denied', 'denied', 0],
  ['withdrawn', requestOf({ steps: [end('withdrawn')] }), 'withdrawn', 'withdrawn', 0],
  ['returned', requestOf({ steps: [granted, end('returned')] }), 'returned', 'returned', 0],
  ['revoked', requestOf({ steps: [granted, used, end('revoked')] }), 'revoked', 'revoked', 0],
  ['a broken glass', requestOf({ breakGlass: true, steps: [granted] }), 'granted', 'ended', FOREVER],
  [
    'a broken glass that was looked at',
    requestOf({ breakGlass: true, steps: [granted, reviewed] }),
    'granted',
    'ended',
    after(HOUR).getTime(),
  ],
  [
    'a broken glass, given back',
    requestOf({ breakGlass: true, steps: [granted, end('returned')] }),
    'returned',
    'returned',
    FOREVER,
  ],
  [
    'a broken glass, given back and looked at',
    requestOf({ breakGlass: true, steps: [granted, end('returned'), reviewed] }),
    'returned',
    'returned',
    0,
  ],
];

describe('a request', () => {
  it.each(rows)('%s', (_what, request, now, later, open) => {
    expect(stateOf(request, NOW)).toBe(now);
    expect(stateOf(request, after(HOUR - 1))).toBe(now);
    expect(stateOf(request, after(HOUR))).toBe(later);
    expect(openUntil(request)).toBe(open);
  });

  it.each(rows)(
    '%s: is listed as open as long as it is pending, granted or to be reviewed',
    (_what, request) => {
      for (const time of [NOW, after(HOUR - 1), after(HOUR), after(100 * HOUR)]) {
        const matters =
          ['pending', 'granted', 'used'].includes(stateOf(request, time)) || needsReview(request);
        expect(openUntil(request) > time.getTime()).toBe(matters);
      }
    },
  );

  it('is over when its times are none, or nobody knows what time it is', () => {
    expect(stateOf(requestOf({ pendingUntil: 'soon' }), NOW)).toBe('expired');
    expect(stateOf(requestOf(), new Date(Number.NaN))).toBe('expired');
    const grant = { ...granted, until: 'later' } as Step;
    expect(stateOf(requestOf({ steps: [grant] }), NOW)).toBe('ended');
  });

  it('gives its steps by kind', () => {
    const request = grantedRequest({}, used);
    expect(grantOf(request)).toEqual({ at: iso(-60_000), kind: 'granted', until: iso(HOUR - 60_000) });
    expect(stepOf(request, 'used')?.session).toBe(idOf(7));
    expect(stepOf(request, 'revoked')).toBeUndefined();
    expect(grantOf(requestOf())).toBeUndefined();
  });
});

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', 'null', '","', '\ud800'),
);
const maybeText = fc.option(text, { nil: undefined });
const statement = fc.record({ sha256: text, text: fc.constant('select 1') }, { noNullPrototype: true });
/** Each member as `digestOf` may meet it. */
const members = {
  issuer: text,
  subject: text,
  email: maybeText,
  target: text,
  rule: text,
  policy: text,
  reason: maybeText,
  ticket: maybeText,
  durationMs: fc.integer({ min: 1, max: 10 }),
  statements: fc.option(fc.array(statement, { maxLength: 2 }), { nil: undefined }),
  breakGlass: fc.boolean(),
  createdAt: text,
  pendingUntil: text,
  actors: fc.option(
    fc.array(fc.record({ issuer: text, subject: text }, { noNullPrototype: true }), {
      minLength: 1,
      maxLength: 2,
    }),
    {
      nil: undefined,
    },
  ),
};
const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined });
const ofRun = { workflow: text, workflowDigest: text };
const withRun = {
  ...members,
  run: maybe(
    fc.record({ id: text, ...ofRun, task: text }, { requiredKeys: ['id', 'workflow', 'workflowDigest'] }),
  ),
  deviation: maybe(
    fc.record(
      {
        ...{ run: text, ...ofRun, task: text, session: text, kind: fc.constantFrom('value', 'origin') },
        ...{ of: text, expected: text, seen: text, isAnswer: fc.boolean() },
        command: fc.record({ sha256: text, text: fc.constant('select 1') }),
      },
      {
        requiredKeys: [
          'run',
          'workflow',
          'workflowDigest',
          'task',
          'session',
          'command',
          'kind',
          'expected',
          'seen',
          'isAnswer',
        ],
      },
    ),
  ),
};
type Members = {
  readonly [K in keyof typeof withRun]: (typeof withRun)[K] extends fc.Arbitrary<infer T> ? T : never;
};

function questionOf({ issuer, subject, email, actors, ...rest }: Members): AccessQuestion {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const requester = personOf({ issuer, subject, email, actors });
  return { requester, ...Object.fromEntries(given) } as unknown as AccessQuestion;
}

describe('digestOf (security case 23)', () => {
  it('is over the text that core/ledger/FORMAT.md shows', () => {
    const format = readFileSync(new URL('../../../core/ledger/FORMAT.md', import.meta.url), 'utf8');
    const shown = /^\["https:\/\/id\.example\.com".*\]$/m.exec(format)![0];
    const [sha256, policy] = ['a'.repeat(64), 'b'.repeat(64)];
    const question: AccessQuestion = {
      requester: { issuer: 'https://id.example.com', subject: 'dev-1', email: 'dana@example.com' },
      target: 'orders-db',
      rule: 'developers-ask',
      policy,
      reason: 'fix order 7',
      ticket: 'OPS-7',
      durationMs: HOUR,
      statements: [{ sha256, text: 'select 1' }],
      breakGlass: false,
      createdAt: '2026-11-23T08:50:00.000Z',
      pendingUntil: '2026-11-23T09:50:00.000Z',
    };
    const text = shown.replace('<policy>', policy).replace('<sha256 of a command>', sha256);
    expect(digestOf(question)).toBe(createHash('sha256').update(text).digest('hex'));
    const { reason: _reason, ticket: _ticket, statements: _statements, ...bare } = question;
    const without = text.replace(/"fix order 7","OPS-7",3600000,\[.*?\]/, 'null,null,3600000,null');
    expect(digestOf(bare)).toBe(createHash('sha256').update(without).digest('hex'));
  });

  it('is what another program made of the same text: without actors as ever, with them one member more', () => {
    const question = requestOf({
      requester: { issuer: 'https://id.example.com', subject: 'dev-1', email: 'dana@example.com' },
      rule: 'developers-ask',
      reason: 'fix order 7',
      ticket: 'OPS-7',
      statements: [{ sha256: 'b'.repeat(64), text: 'select 1' }],
      createdAt: '2026-11-23T08:50:00.000Z',
      pendingUntil: '2026-11-23T09:50:00.000Z',
    });
    // python3: hashlib.sha256(json.dumps([…], separators=(',', ':')).encode()).hexdigest()
    expect(digestOf(question)).toBe('750a81c537bef647fda564cf601e2ccd95c8b63dab7f70899698bf433c1e9385');
    const actors = [
      { issuer: 'https://ci.example.com', subject: 'agent-7' },
      { issuer: 'https://id.example.com', subject: 'planner' },
    ];
    const acted = { ...question, requester: { ...question.requester, actors } };
    expect(digestOf(acted)).toBe('352eb06085baf066c32d6b55ba3553be780058d7efce2391be2d6ef49f8ea3d6');
  });

  it('is what another program made of it with a run, and with a deviation (python3, as above)', () => {
    const question = requestOf({
      requester: { issuer: 'https://id.example.com', subject: 'dev-1', email: 'dana@example.com' },
      rule: 'developers-ask',
      reason: 'fix order 7',
      ticket: 'OPS-7',
      statements: [{ sha256: 'b'.repeat(64), text: 'select 1' }],
      createdAt: '2026-11-23T08:50:00.000Z',
      pendingUntil: '2026-11-23T09:50:00.000Z',
    });
    const [id, session] = ['019acd1b-3280-7b61-8e21-1f6a7c1d2e3f', '019acd24-1f00-7a61-9f43-0b9a7c1d2e3f'];
    const workflow = { workflow: 'refunds', workflowDigest: 'c'.repeat(64) };
    const run = { id, ...workflow };
    expect(digestOf({ ...question, run })).toBe(
      '58dbd903c9e6c3dab6c41d2e6614c206f0e1da2a9ac603bc11be2df8b1d82159',
    );
    const actors = [
      { issuer: 'https://ci.example.com', subject: 'agent-7' },
      { issuer: 'https://id.example.com', subject: 'planner' },
    ];
    const acted = {
      ...question,
      requester: { ...question.requester, actors },
      run: { ...run, task: 'refund' },
    };
    expect(digestOf(acted)).toBe('fb88d60cfb199ca1021f39f9bc43c70f9b4c808489c14ea92abe1d13376e96f3');
    const command = 'update refunds set paid = true where id = 9';
    const { reason: _reason, ticket: _ticket, statements: _statements, ...bare } = question;
    const deviation = {
      ...{
        run: id,
        ...workflow,
        task: 'refund',
        session,
        kind: 'origin' as const,
        of: 'give',
        isAnswer: false,
      },
      command: { sha256: createHash('sha256').update(command).digest('hex'), text: command },
      expected: 'for give.$1 a value from find.returned.id',
      seen: 'another value stands there',
    };
    expect(digestOf({ ...bare, durationMs: 300_000, deviation })).toBe(
      'e5580c627da89b1f627ba0d1d4592fa22f9186172b90377d8f60526db3dfb019',
    );
  });

  const anyMembers = fc.record(withRun) as fc.Arbitrary<Members>;

  it.each(Object.keys(withRun) as (keyof Members)[])('is another one for another %s', (member) => {
    const seen = { same: 0, other: 0 };
    fc.assert(
      fc.property(anyMembers, withRun[member] as fc.Arbitrary<never>, (one, value) => {
        const other = { ...one, [member]: value };
        const isSame = isDeepStrictEqual(one[member], value);
        expect(digestOf(questionOf(one)) === digestOf(questionOf(other))).toBe(isSame);
        seen[isSame ? 'same' : 'other'] += 1;
      }),
      { numRuns: 300 },
    );
    expect(seen.other).toBeGreaterThan(50);
  });

  it('is another one for commands in another order', () => {
    const [one, two] = ['a', 'b'].map((sha256) => ({ sha256, text: '' })) as [never, never];
    expect(digestOf(requestOf({ statements: [one, two] }))).not.toBe(
      digestOf(requestOf({ statements: [two, one] })),
    );
  });

  it('tells what was moved from one member to the next', () => {
    expect(digestOf(requestOf({ reason: 'a', ticket: 'b' }))).not.toBe(
      digestOf(requestOf({ reason: 'ab', ticket: '' })),
    );
    expect(digestOf(requestOf({ target: 'x', rule: 'y' }))).not.toBe(
      digestOf(requestOf({ target: 'y', rule: 'x' })),
    );
  });

  it('does not change with what came of it', () => {
    const request = requestOf();
    expect(digestOf({ ...request, id: idOf(9), steps: [granted] } as AccessRequest)).toBe(digestOf(request));
  });

  it('is SHA-256 over JSON that anybody can write', () => {
    const json =
      '["https://id.example","dana","dana@example.com","orders-db","ask","' +
      `${'a'.repeat(64)}","look",null,3600000,["${'b'.repeat(64)}"],false,` +
      '"2026-11-23T08:59:00.000Z","2026-11-23T10:00:00.000Z"]';
    const request = requestOf({
      requester: person('dana', 'dana@example.com'),
      statements: [{ sha256: 'b'.repeat(64), text: 'select 1' }],
    });
    expect(digestOf(request)).toBe(createHash('sha256').update(json).digest('hex'));
  });
});
