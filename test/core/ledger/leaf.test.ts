import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { LEAF_MAX_BYTES, type Leaf, leafBytes, leafSchema, parseLeaf } from '#core/ledger/leaf.ts';
import { leafHash, rootOf } from '#core/ledger/merkle.ts';

const FORMAT_INVALID = expect.objectContaining({ code: 'format-invalid' });
const page = readFileSync(new URL('../../../core/ledger/FORMAT.md', import.meta.url), 'utf8');
const block = (start: string) =>
  page
    .split('```')
    .find((part) => part.trimStart().startsWith(start))!
    .trim();
const examples = page.split('\n').filter((line) => line.startsWith('{"type":"custody/leaf/1"'));
const [opened] = examples;
const parse = (text: string) => parseLeaf(Buffer.from(text));
const changed = (change: Record<string, unknown>, text = opened!) =>
  JSON.stringify({ ...(JSON.parse(text) as object), ...change });

describe('the examples of FORMAT.md', () => {
  test.each(examples)('%s', (example) => {
    const leaf = parse(example);
    expect(leaf).toEqual(JSON.parse(example));
    expect(Buffer.from(leafBytes(leaf!)).toString()).toBe(example);
  });

  it('are of every kind', () => {
    const kinds = leafSchema.options.map(({ shape }) => shape.kind.value);
    expect(new Set(examples.map((text) => parse(text)!.kind))).toEqual(new Set(kinds));
  });

  it('have the checkpoint that the page shows', () => {
    const der = Buffer.from(block('-----BEGIN').split('\n').slice(1, -1).join(''), 'base64');
    const note = `${block('custody.example.com/ledger')}\n`;
    const { size, root } = openCheckpoint(note, 'custody.example.com/ledger', der);
    const hashes = examples.slice(0, size).map((text) => leafHash(Buffer.from(text)));
    expect(size).toBe(2);
    expect(root).toEqual(rootOf(hashes));
    const [first, second] = hashes.map((hash) => hash.toString('hex'));
    expect(page).toContain(`${first!.slice(0, 8)}…${first!.slice(-8)}`);
    expect(page).toContain(`${second!.slice(0, 8)}…${second!.slice(-8)}`);
  });
});

describe('a leaf', () => {
  it('has the same bytes in whatever order its members were given', () => {
    for (const example of examples) {
      const backwards = Object.fromEntries(Object.entries(JSON.parse(example) as object).reverse());
      expect(Buffer.from(leafBytes(backwards as Leaf)).toString()).toBe(example);
    }
  });

  it('that could not be read again is never made', () => {
    const leaf = JSON.parse(opened!) as Leaf & { kind: 'session-opened' };
    expect(() => leafBytes({ ...leaf, session: 'x' })).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const person = fc.record(
    { issuer: text, subject: text, email: text },
    { requiredKeys: ['issuer', 'subject'] },
  );
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((b) => Buffer.from(b).toString('hex'));
  const time = fc
    .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    .map((date) => date.toISOString());
  const session = fc.uuid({ version: 7 });
  const leaves: fc.Arbitrary<Leaf> = fc.oneof(
    fc.record({
      type: fc.constant('custody/leaf/1' as const),
      kind: fc.constant('session-opened' as const),
      at: time,
      session,
      statement: hash,
      principal: person,
      target: text,
    }),
    fc.record({
      type: fc.constant('custody/leaf/1' as const),
      kind: fc.constantFrom(
        'recording-viewed' as const,
        'recording-exported' as const,
        'recording-rerun' as const,
      ),
      at: time,
      session,
      by: person,
    }),
    fc.record({
      type: fc.constant('custody/leaf/1' as const),
      kind: fc.constant('access-decided' as const),
      at: time,
      request: session,
      digest: hash,
      by: person,
      decision: fc.constantFrom('approved' as const, 'denied' as const),
    }),
    fc.record(
      {
        type: fc.constant('custody/leaf/1' as const),
        kind: fc.constant('logged-out' as const),
        at: time,
        issuer: text,
        subject: text,
        sid: text,
        token: hash,
      },
      { requiredKeys: ['type', 'kind', 'at', 'issuer', 'token'] },
    ),
  );

  it('is read as it was written, from one line', () => {
    fc.assert(
      fc.property(leaves, (leaf) => {
        const bytes = leafBytes(leaf);
        expect(parseLeaf(bytes)).toEqual(leaf);
        expect(Buffer.from(bytes).includes('\n')).toBe(false);
      }),
    );
  });

  it('of a kind of later versions is passed over', () => {
    expect(parse('{"type":"custody/leaf/1","kind":"toString"}')).toBeUndefined();
    expect(parse('{"type":"custody/leaf/1","kind":"session-moved","session":7}')).toBeUndefined();
  });

  it('may have members of later versions', () => {
    expect(parse(changed({ more: { than: 'known' } }))).toEqual(JSON.parse(opened!));
  });

  it('is at most 4096 bytes long', () => {
    const leaf = JSON.parse(opened!) as Leaf & { kind: 'session-opened' };
    const room = LEAF_MAX_BYTES - Buffer.byteLength(opened!) + leaf.target.length;
    const longest = { ...leaf, target: 'x'.repeat(room) };
    expect(leafBytes(longest).byteLength).toBe(LEAF_MAX_BYTES);
    expect(parseLeaf(leafBytes(longest))).toEqual(longest);
    const longer = { ...leaf, target: 'x'.repeat(room + 1) };
    expect(() => leafBytes(longer)).toThrow(expect.objectContaining({ code: 'internal' }));
    expect(() => parse(JSON.stringify(longer))).toThrow(FORMAT_INVALID);
    expect(() => leafBytes({ ...leaf, target: '\u00e9'.repeat(room - 1) })).toThrow('too long');
  });

  test.each([
    ['no JSON', 'x'],
    ['nothing', ''],
    ['an array', `[${opened}]`],
    ['null', 'null'],
    ['two leaves', `${opened}\n${opened}`],
    ['another type', changed({ type: 'custody/leaf/2' })],
    ['another type and an unknown kind', changed({ type: 'custody/leaf/2', kind: 'session-moved' })],
    ['no type', changed({ type: undefined })],
    ['no kind', changed({ kind: undefined })],
    ['a kind that is no text', changed({ kind: ['session-opened'] })],
    ['a member twice', opened!.replace('{', '{"kind":"session-closed",')],
    ['a member twice, once escaped', opened!.replace('{', '{"k\\u0069nd":"session-closed",')],
    ['__proto__', opened!.replace('{', '{"__proto__":{},')],
    ['17 levels', changed({ more: JSON.parse('['.repeat(16) + ']'.repeat(16)) })],
    ['a byte order mark', `\ufeff${opened}`],
    ['no session', changed({ session: undefined })],
    ['an upper-case session', changed({ session: '019AAF3E-6D1C-7A61-9F43-0B9A7C1D2E3F' })],
    ['a session of UUID version 4', changed({ session: '019aaf3e-6d1c-4a61-9f43-0b9a7c1d2e3f' })],
    ['a session that is a path', changed({ session: '../../sessions' })],
    ['an upper-case hash', changed({ statement: 'A'.repeat(64) })],
    ['a short hash', changed({ statement: 'a'.repeat(63) })],
    ['a hash with a line feed', changed({ statement: `${'a'.repeat(64)}\n` })],
    ['a time without milliseconds', changed({ at: '2026-11-23T09:00:00Z' })],
    ['a time in a zone', changed({ at: '2026-11-23T09:00:00.000+01:00' })],
    ['a day that is none', changed({ at: '2026-02-30T09:00:00.000Z' })],
    ['no principal', changed({ principal: undefined })],
    ['a chain without actors', changed({ principal: { issuer: 'x', subject: 'y', actors: [] } })],
    [
      'an actor without issuer',
      changed({ principal: { issuer: 'x', subject: 'y', actors: [{ subject: 'z' }] } }),
    ],
    ['an actor that is a text', changed({ principal: { issuer: 'x', subject: 'y', actors: 'z' } })],
    ['a principal without subject', changed({ principal: { issuer: 'x' } })],
    [
      'a principal with null for an email',
      changed({ principal: { issuer: 'x', subject: 'y', email: null } }),
    ],
    ['an unknown reason', changed({ reason: 'tired' }, examples[1])],
    [
      'an unknown decision',
      opened!.replace(/^.*$/, examples.find((e) => e.includes('decision'))!.replace('approved', 'perhaps')),
    ],
  ])('with %s is refused', (_, example) => {
    expect(() => parse(example)).toThrow(FORMAT_INVALID);
  });

  it('that is not UTF-8 is refused', () => {
    const bytes = Buffer.from(opened!);
    bytes[bytes.indexOf('orders-db')] = 0xff;
    expect(() => parseLeaf(bytes)).toThrow(FORMAT_INVALID);
  });

  it('of any bytes is read, passed over or refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (bytes) => {
          expect(() => parseLeaf(bytes)).toThrow(FORMAT_INVALID);
        },
      ),
    );
  });
});
