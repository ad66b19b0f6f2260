import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CloseStatement,
  type OpenStatement,
  openStatementSchema,
  STATEMENT_MAX_BYTES,
} from '#core/recording/format.ts';
import { objectKey } from '#core/recording/layout.ts';
import {
  boundGroups,
  boundText,
  recordedPrincipal,
  recordedTogether,
  signStatement,
  statementBytes,
  storeClose,
  storeOpen,
} from '#core/recording/statements.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { makeKeys, openStatement, SESSION } from '#test/support/evidence-builder.ts';
import { MemoryLeaves, memorySigner } from '#test/support/memory-ports.ts';
import { memoryRecorder, opening } from '#test/support/recorder.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom('\0', '"', '\\', '\u2028', '\ud800', '😀', '<script>').map((part) => part.repeat(300)),
);

const ISSUER_OF_ACTORS = 'https://ci.example.com';
const BARE = { issuer: 'https://id.example', subject: 'dana', groups: [] };

function fits(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}

const TASK = {
  task: { run: SESSION, workflow: 'w'.repeat(63), digest: 'd'.repeat(64), name: 't'.repeat(63) },
};
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const jsonLength = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

describe('statement limit', () => {
  /** As long as config, gateway and client can make each member. */
  function longest(more: Partial<Parameters<typeof recordedPrincipal>[0]> = {}): OpenStatement {
    const groups = Array.from({ length: 500 }, (_, i) => `group-${i}-${'g'.repeat(i % 40)}`);
    return {
      ...(openStatement(makeKeys()) as OpenStatement),
      principal: recordedPrincipal({
        issuer: `https://${'i'.repeat(504)}`,
        subject: 's'.repeat(255),
        email: 'e'.repeat(320),
        groups,
        ...more,
      }),
      target: {
        name: 't'.repeat(63),
        protocol: 'postgres',
        address: `${'h'.repeat(253)}:65535`,
        login: 'l'.repeat(64),
      },
      blindMs: 300_000,
      device: {
        key: `SHA256:${'k'.repeat(43)}`,
        proof: 'tls-certificate',
        name: 'n'.repeat(63),
        attested: false,
        user: { present: false, verified: false },
      },
      certificate: { serial: String(2n ** 64n - 1n) },
      files: 'digest',
      client: {
        address: `[${'f'.repeat(45)}]:65535`,
        application: boundText('\0'.repeat(1000)),
        user: boundText('😀'.repeat(1000)),
      },
      grant: {
        rule: 'r'.repeat(63),
        request: SESSION,
        digest: 'd'.repeat(64),
        until: '2026-11-23T09:55:00.000Z',
      },
      retention: { lock: 'governance', until: '2027-11-23T09:00:00.000Z', hold: true },
      gateway: { version: '10.10.10-rc.10', task: '0d6cfa3e-6d1c-4a61-9f43-0b9a7c1d2e3f' },
      durability: { mode: 'windowed', windowMs: 10_000 },
    };
  }

  it('holds for the longest of everything (security case 16)', () => {
    const statement = longest();
    expect(statement.principal.groupsOmitted).toBeGreaterThan(0);
    const bytes = statementBytes(statement);
    expect(bytes.byteLength).toBeLessThanOrEqual(STATEMENT_MAX_BYTES);
    expect(openStatementSchema.parse(JSON.parse(Buffer.from(bytes).toString()))).toEqual(statement);
  });

  it('holds with the longest chain of actors, claims and leeway as well', () => {
    const issuerName = 'n'.repeat(63);
    const claims = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`claim-${i}`, ['v'.repeat(i), 'w']]),
    );
    const oneActor = [{ issuer: `https://${'a'.repeat(504)}`, subject: 's'.repeat(255) }];
    const actors = [...Array(20).keys()].map((n) => ({ issuer: ISSUER_OF_ACTORS, subject: `agent-${n}` }));
    const most = actors.findLastIndex((_, n) =>
      fits(() => recordedPrincipal({ ...BARE, actors: actors.slice(0, n + 1) })),
    );
    for (const chain of [oneActor, actors.slice(0, most + 1)]) {
      const statement = longest({ issuerName, claims, actors: chain, leeway: 60 });
      expect(statement.principal.actors).toEqual(chain);
      expect(statement.principal.claimsOmitted).toBeGreaterThan(0);
      const bytes = statementBytes(statement);
      expect(bytes.byteLength).toBeLessThanOrEqual(STATEMENT_MAX_BYTES);
      expect(openStatementSchema.parse(JSON.parse(Buffer.from(bytes).toString()))).toEqual(statement);
    }
    expect(most).toBeGreaterThan(5);
  });

  it('holds with the longest task as well, which leaves less room for all of these and none for a trace', () => {
    const claims = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`claim-${i}`, ['v'.repeat(i)]]));
    const actors = [...Array(20).keys()].map((n) => ({ issuer: ISSUER_OF_ACTORS, subject: `agent-${n}` }));
    const groups = Array.from({ length: 500 }, (_, i) => `group-${i}`);
    const who = { ...BARE, issuerName: 'n'.repeat(63), claims, groups, leeway: 60 };
    const chain = (n: number) => ({ ...who, actors: actors.slice(0, n) });
    const most = actors.findLastIndex((_, n) => fits(() => recordedTogether(chain(n + 1), TASK)));
    expect(most).toBeGreaterThan(2);
    const { principal, ...belonging } = recordedTogether(chain(most + 1), { ...TASK, trace: TRACE });
    const { issuer, subject, email } = longest().principal;
    const statement = {
      ...longest(),
      principal: { ...principal, issuer, subject, email: email! },
      ...belonging,
    };
    expect(belonging).toEqual(TASK);
    const bytes = statementBytes(statement);
    expect(bytes.byteLength).toBeLessThanOrEqual(STATEMENT_MAX_BYTES);
    expect(openStatementSchema.parse(JSON.parse(Buffer.from(bytes).toString()))).toEqual(statement);
  });

  it('holds with a trace that just fits, and leaves one out before anything of the person', () => {
    const sizes = Array.from({ length: 700 }, (_, n) => {
      const groups = [...Array(Math.floor(n / 50)).fill('g'.repeat(42)), 'h'.repeat(n % 50)];
      const { principal, trace } = recordedTogether({ ...BARE, groups }, { ...TASK, trace: TRACE });
      const { issuer, subject, email } = longest().principal;
      const whole = { ...longest(), principal: { ...principal, issuer, subject, email: email! }, ...TASK };
      const bytes = statementBytes(trace === undefined ? whole : { ...whole, trace });
      expect(bytes.byteLength).toBeLessThanOrEqual(STATEMENT_MAX_BYTES);
      return { isCut: principal.groupsOmitted > 0, isTraced: trace !== undefined };
    });
    expect(sizes[0]).toEqual({ isCut: false, isTraced: true });
    expect(sizes.some(({ isCut, isTraced }) => !isCut && !isTraced)).toBe(true);
    expect(sizes.some(({ isCut, isTraced }) => isCut && isTraced)).toBe(false);
  });

  it('is enforced to the byte', () => {
    const statement = openStatement(makeKeys()) as OpenStatement;
    const room = STATEMENT_MAX_BYTES - statementBytes(statement).byteLength;
    const longer = (n: number): OpenStatement => ({
      ...statement,
      grant: { rule: statement.grant.rule + 'x'.repeat(n) },
    });
    expect(statementBytes(longer(room)).byteLength).toBe(STATEMENT_MAX_BYTES);
    expect(() => statementBytes(longer(room + 1))).toThrowError(
      expect.objectContaining({ code: 'internal', detail: expect.stringContaining('4353 bytes') }),
    );
  });
});

describe('recordedPrincipal', () => {
  const dana = { issuer: 'https://id.example', subject: 'dana', groups: ['developers'] };

  it('keeps who it is, whole', () => {
    expect(recordedPrincipal({ ...dana, email: 'dana@example.com' })).toEqual({
      ...dana,
      email: 'dana@example.com',
      groupsOmitted: 0,
    });
    expect(recordedPrincipal(dana)).not.toHaveProperty('email');
  });

  it('keeps who acts, whole and in their order, and nothing else of them', () => {
    const actors = [
      { issuer: 'https://ci.example', subject: 'agent-7', more: 'x' },
      { issuer: 'https://id.example', subject: 'planner' },
    ];
    const recorded = recordedPrincipal({ ...dana, actors, issuerName: 'okta', leeway: 3 });
    expect(JSON.stringify(recorded)).toBe(
      '{"issuer":"https://id.example","issuerName":"okta","subject":"dana","actors":[{"issuer":"https://ci.example","subject":"agent-7"},{"issuer":"https://id.example","subject":"planner"}],"leeway":3,"groups":["developers"],"groupsOmitted":0}',
    );
    expect(recordedPrincipal({ ...dana, actors: [] })).not.toHaveProperty('actors');
  });

  it('keeps claims whole, counts those that do not fit, and passes over those that are not in the token', () => {
    const claims = {
      ref: 'refs/heads/main',
      none: [],
      empty: '',
      long: 'x'.repeat(600),
      roles: ['a', 'b'],
      odd: '\ud800',
    };
    expect(recordedPrincipal({ ...dana, claims })).toMatchObject({
      claims: { ref: 'refs/heads/main', empty: '', roles: ['a', 'b'] },
      claimsOmitted: 2,
    });
    const named = JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>;
    expect(Object.entries(recordedPrincipal({ ...dana, claims: named }).claims!)).toEqual([
      ['constructor', 'y'],
    ]);
    expect(recordedPrincipal({ ...dana, claims: {} })).toEqual({ ...dana, groupsOmitted: 0 });
  });

  it.each([
    [
      'subject of an actor',
      { actors: [{ issuer: 'https://ci.example', subject: 's'.repeat(256) }] },
      'is longer than 255 bytes',
    ],
    [
      'issuer of an actor',
      { actors: [{ issuer: 'i'.repeat(513), subject: 's' }] },
      'is longer than 512 bytes',
    ],
    ['subject of an actor', { actors: [{ issuer: 'i', subject: 'a\ud800' }] }, 'is not Unicode text'],
    [
      'chain of actors',
      { actors: Array.from({ length: 5 }, () => ({ issuer: 'i'.repeat(200), subject: 's' })) },
      'is longer than 854 bytes',
    ],
    ['subject', { subject: 's'.repeat(256) }, 'is longer than 255 bytes'],
    ['subject', { subject: '\u0001'.repeat(43) }, 'is longer than 255 bytes'],
    ['subject', { subject: 'a\ud800' }, 'is not Unicode text'],
    ['e-mail address', { email: 'e'.repeat(321) }, 'is longer than 320 bytes'],
    ['e-mail address', { email: 'é'.repeat(161) }, 'is longer than 320 bytes'],
    ['issuer', { issuer: 'i'.repeat(513) }, 'is longer than 512 bytes'],
  ])('refuses a %s that cannot be recorded whole, rather than cut it: %j', (what, more, problem) => {
    expect(() => recordedPrincipal({ ...dana, ...more })).toThrowError(
      expect.objectContaining({
        code: 'token-invalid',
        message: `the ${what} in the token ${problem} and cannot be recorded`,
        hint: expect.stringContaining('identity provider'),
      }),
    );
  });
});

describe('boundGroups', () => {
  it('keeps groups whole and in order, counts the others, and stays in its limit', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(hostile, { maxLength: 60 }),
        fc.integer({ min: 0, max: 2000 }),
        (groups, maxBytes) => {
          const { groups: kept, groupsOmitted } = boundGroups(groups, maxBytes);
          expect(kept.length + groupsOmitted).toBe(groups.length);
          expect(groups.filter((group) => kept.includes(group))).toEqual(kept);
          expect(
            Buffer.byteLength(kept.map((group) => JSON.stringify(group)).join(',\n    ')),
          ).toBeLessThanOrEqual(maxBytes);
        },
      ),
    );
  });

  it('lets no long group hide the others', () => {
    expect(boundGroups(['x'.repeat(5000), 'developers'])).toEqual({
      groups: ['developers'],
      groupsOmitted: 1,
    });
  });
});

describe('boundText', () => {
  it('is a beginning of the text, inside the limit, and Unicode', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 0, max: 300 }), (text, maxBytes) => {
        const bound = boundText(text, maxBytes);
        expect(text.toWellFormed().startsWith(bound)).toBe(true);
        expect(bound.isWellFormed()).toBe(true);
        expect(jsonLength(bound)).toBeLessThanOrEqual(maxBytes);
        const whole = jsonLength(text.toWellFormed()) <= maxBytes;
        expect(bound === text.toWellFormed()).toBe(whole);
      }),
    );
  });

  it('cuts between characters', () => {
    expect(boundText('a😀😀', 5)).toBe('a😀');
    expect(boundText('a😀😀', 8)).toBe('a😀');
  });
});

describe('storing statements', () => {
  it('enters no opening whose statement or signature is not stored (security case 5)', async () => {
    const statement = openStatement(makeKeys()) as OpenStatement;
    const signed = await signStatement(statement, memorySigner());
    for (const missing of ['open.json', 'open.json.sig']) {
      const leaves = new MemoryLeaves();
      const put = async (name: string) => {
        if (name === missing) throw new Error('the store is down');
      };
      await expect(storeOpen(signed, put, leaves)).rejects.toThrow('the store is down');
      expect(leaves.added.size).toBe(0);
    }
  });

  it('stores nothing when the signer fails (security case 5)', async () => {
    const { recorder, store, signer } = memoryRecorder();
    await recorder.open(1, opening(), 0);
    const before = store.objects.size;
    signer.sign = () => Promise.reject(new Error('KMS is down'));
    await expect(
      recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 1 }),
    ).rejects.toMatchObject({ code: 'recording-failed', detail: expect.stringContaining('KMS is down') });
    expect(store.objects.size).toBe(before);
  });

  it('never replaces a close statement', async () => {
    const { recorder, store, signer, leaves } = memoryRecorder();
    await recorder.open(1, opening(), 0);
    await recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 1 });
    const { session } = opening();
    const close = JSON.parse(Buffer.from(await store.get(objectKey(session, 'close.json'))).toString());
    const signed = await signStatement<CloseStatement>({ ...close, reason: 'terminated' }, signer);
    const put = (name: string, bytes: Uint8Array) => store.put(objectKey(session, name), bytes);
    await expect(storeClose(signed, put, leaves)).rejects.toMatchObject({ code: 'already-exists' });
    const report = await verifyEvidence(store.evidence(session, signer.pem), {
      trustedSigners: [signer.der],
    });
    expect(report.verdict).toBe('verified');
  });
});
