import { readdirSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { parseJson, parseJsonBytes } from '#core/json.ts';

/** Values that JSON has, with names that are hard to tell apart from structure. */
const names = fc.oneof(
  fc.string(),
  fc.constantFrom('a', 'b', 'a":"', '\\', '\\"', '{', '}', '[1', '\u2028', 'é'),
);
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .uniqueArray(fc.tuple(names, tie('value')), { maxLength: 4, selector: ([name]) => name })
      .map((members) => Object.fromEntries(members.filter(([name]) => name !== '__proto__'))),
  ),
})).value;

/** Any spelling of a name: each unit as it is, or as an escape. */
function spelt(name: string, escape: (at: number) => boolean): string {
  const units = Array.from({ length: name.length }, (_, at) =>
    escape(at)
      ? `\\u${name.charCodeAt(at).toString(16).padStart(4, '0')}`
      : JSON.stringify(name[at]).slice(1, -1),
  );
  return `"${units.join('')}"`;
}

/** What came of reading, as text. */
function outcome(read: () => unknown): string {
  try {
    return inspect(read(), { depth: null });
  } catch (error) {
    return error instanceof CustodyError ? `${error.code}: ${error.message}` : String(error);
  }
}

describe('parseJson', () => {
  it('reads what JSON.parse reads, however it is spaced', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, '\t', '\r\n '), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('refuses what JSON.parse refuses, and of the rest only names and depth, with an error that says so', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\',
      'a',
      'u0061',
      '1',
      '-',
      ' ',
      '\n',
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const [read, oracle] = [outcome(() => parseJson(text)), outcome(() => JSON.parse(text))];
        const isRefused = /^format-invalid: .*(?:twice in one object|__proto__|levels deep)/.test(read);
        expect(isRefused ? oracle : read).toBe(
          oracle.startsWith('SyntaxError') ? 'format-invalid: is not JSON' : oracle,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a name twice in one object, wherever the object is and however the names are spelt', () => {
    fc.assert(
      fc.property(
        names.filter((name) => name !== '__proto__'),
        json,
        json,
        fc.func(fc.boolean()),
        fc.func(fc.boolean()),
        fc.constantFrom('', '[', '{"outer":[1,{"in":'),
        (name, one, other, first, second, before) => {
          const twice = `{${spelt(name, first)}:${JSON.stringify(one)} , ${spelt(name, second)}\n:${JSON.stringify(other)}}`;
          const after = before.includes('outer') ? '}]}' : before.replace('[', ']');
          const text = `${before}${twice}${after}`;
          JSON.parse(text);
          expect(() => parseJson(text)).toThrow('twice in one object');
        },
      ),
    );
  });

  it.each(['{"__proto__":1}', '{"a":{"\\u005f_proto__":1}}', '[{"__proto__":{}}]'])('refuses %s', (text) => {
    expect(() => parseJson(text)).toThrow('__proto__');
  });

  it('takes the same name in two objects, and names as values', () => {
    const text = '{"a":{"a":["a","a",{"a":"a"}]},"b":["x:",":"]}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it('bounds depth, and goes through long texts once', () => {
    expect(() => parseJson('['.repeat(33) + ']'.repeat(33))).toThrow('more than 32 levels');
    expect(parseJson('['.repeat(32) + ']'.repeat(32))).toBeTruthy();
    expect(() => parseJson('{"a":'.repeat(500_000) + '1' + '}'.repeat(500_000))).toThrow('levels');
    for (const text of ['\\"'.repeat(1 << 20), '\\\\'.repeat(1 << 20), 'a'.repeat(1 << 22)])
      expect(parseJson(`{"${text}":"${text}"}`)).toEqual(JSON.parse(`{"${text}":"${text}"}`));
  });

  it('bounds bytes, and takes UTF-8 alone', () => {
    expect(() => parseJsonBytes(Buffer.from('[1234]'), 5)).toThrow('is 6 bytes long, more than 5');
    expect(() => parseJsonBytes(Buffer.from([0x22, 0xff, 0x22]), 9)).toThrow('is not UTF-8');
    expect(() => parseJsonBytes(Buffer.from('\ufeff[]'), 9)).toThrow('is not JSON');
  });
});

const ROOT = new URL('../..', import.meta.url).pathname;
/** Files of the package itself, which come with the code, and what a process keeps in its own memory. */
const OWN = [
  'fargate-proxy/main.ts',
  'lambdas/sessions/row-pieces.ts',
  'local/database/postgres-binaries.ts',
];

it('nothing else reads JSON', () => {
  const files = ['core', 'adapters', 'fargate-proxy', 'lambdas', 'cli', 'local'].flatMap((folder) =>
    readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
      .map((name) => `${folder}/${name}`),
  );
  const readers = files.filter((file) =>
    /JSON\.parse\(|(?<!\bz)\.json\(\)/.test(readFileSync(ROOT + file, 'utf8')),
  );
  expect(readers.sort()).toEqual(['core/json.ts', ...OWN].sort());
});
