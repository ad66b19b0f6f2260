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
  statementBytes,
  signStatement,
  storeClose,
  storeOpen,
} from '#core/recording/statements.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { makeKeys, openStatement, SESSION } from '#test/support/evidence-builder.ts';
import { MemoryLeaves, MemoryStore, memorySigner } from '#test/support/memory-ports.ts';
import { memoryRecorder, opening } from '#test/support/recorder.ts';

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom('\0', '"', '\\', '\u2028', '\ud800', '😀', '<script>').map((part) => part.repeat(300)),
);

const jsonLength = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2;

describe('statement limit', () => {
  /** As long as config, gateway and client can make each member. */
  function longest(): OpenStatement {
    const groups = Array.from({ length: 500 }, (_, i) => `group-${i}-${'g'.repeat(i % 40)}`);
    return {
      ...(openStatement(makeKeys()) as OpenStatement),
      principal: recordedPrincipal({
        issuer: `https://${'i'.repeat(504)}`,
        subject: 's'.repeat(255),
        email: 'e'.repeat(320),
        groups,
      }),
      target: { name: 't'.repeat(63), protocol: 'postgres', address: `${'h'.repeat(253)}:65535` },
      client: {
        address: `[${'f'.repeat(45)}]:65535`,
        application: boundText('\0'.repeat(1000)),
        user: boundText('😀'.repeat(1000)),
      },
      grant: { rule: 'r'.repeat(63) },
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

  it('is enforced to the byte', () => {
    const statement = openStatement(makeKeys()) as OpenStatement;
    const room = STATEMENT_MAX_BYTES - statementBytes(statement).byteLength;
    const longer = (n: number): OpenStatement => ({
      ...statement,
      grant: { rule: statement.grant.rule + 'x'.repeat(n) },
    });
    expect(statementBytes(longer(room)).byteLength).toBe(STATEMENT_MAX_BYTES);
    expect(() => statementBytes(longer(room + 1))).toThrowError(
      expect.objectContaining({ code: 'internal', detail: expect.stringContaining('4097 bytes') }),
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

  it.each([
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
  it('stores the signature of open.json first: an open.json is never unsigned (security case 5)', async () => {
    const store = new MemoryStore();
    const statement = openStatement(makeKeys()) as OpenStatement;
    const put = (name: string, bytes: Uint8Array) => store.put(objectKey(SESSION, name), bytes);
    await storeOpen(await signStatement(statement, memorySigner()), put, new MemoryLeaves());
    expect([...store.objects.keys()]).toEqual([
      objectKey(SESSION, 'open.json.sig'),
      objectKey(SESSION, 'open.json'),
    ]);
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
