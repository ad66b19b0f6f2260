import { describe, expect, it } from 'vitest';
import { RunDigests } from '#core/tasks/digests.ts';
import { type ValueTerms, valueSchema } from '#core/tasks/schema.ts';
import type { LiteralKind, SeenValue } from '#core/tasks/seen.ts';
import { isConstant, type ValueFacts, ValuePlace } from '#core/tasks/values.ts';

const digests = new RunDigests(Buffer.alloc(32, 7));
const FACTS: ValueFacts = {
  digests,
  inputs: new Map([
    ['customer', '17'],
    ['nobody', null],
  ]),
  column: (origin) =>
    origin === 'find.returned.id'
      ? new Set([digests.ofValue('41', 'integer'), digests.ofValue('42', 'integer')])
      : undefined,
};

const terms = (more: object): ValueTerms => valueSchema.parse(more);
const seen = (kind: LiteralKind, text: string | null): SeenValue => ({ kind, text });

function misfit(more: object, value: SeenValue): string | undefined {
  return new ValuePlace(terms(more)).misfit(value, FACTS)?.expected;
}

describe('a value of a type', () => {
  it.each<[string, LiteralKind, string]>([
    ['integer', 'integer', '-5'],
    ['integer', 'any', '5'],
    ['number', 'integer', '5'],
    ['number', 'number', '1e3'],
    ['text', 'text', "'; DROP TABLE x"],
    ['boolean', 'boolean', 'true'],
    ['boolean', 'any', 'f'],
    ['uuid', 'text', '2F1e4fc0-81fd-4b3a-9d4c-000000000000'],
    ['date', 'text', '2026-11-29'],
    ['timestamp', 'text', '2026-11-29 10:00:00.123+01'],
  ])('%s may be written as %s %s', (type, kind, text) => {
    expect(misfit({ type }, seen(kind, text))).toBeUndefined();
  });

  it.each<[string, LiteralKind, string | null]>([
    ['integer', 'text', '5'],
    ['integer', 'any', '5; DROP'],
    ['integer', 'any', '5.5'],
    ['integer', 'any', ''],
    ['text', 'integer', '5'],
    ['number', 'any', 'NaN'],
    ['boolean', 'any', 'perhaps'],
    ['date', 'text', 'yesterday'],
    ['timestamp', 'text', 'now'],
    ['timestamp', 'text', 'infinity'],
    ['uuid', 'text', '2f1e4fc081fd4b3a9d4c000000000000'],
    ['integer', 'any', null],
  ])('%s may not be %s %j', (type, kind, text) => {
    expect(misfit({ type }, seen(kind, text))).toBeDefined();
  });
});

describe('what is said of a value', () => {
  it('bounds it, exactly', () => {
    const bounds = { type: 'number', min: 0.1, max: 100 };
    expect(misfit(bounds, seen('number', '0.1'))).toBeUndefined();
    expect(misfit(bounds, seen('number', '0.09999999999999999999999999999'))).toBe('at least 0.1');
    expect(misfit(bounds, seen('number', '100.00000000000000000000000001'))).toBe('at most 100');
  });

  it('bounds times, in whatever zone', () => {
    const bounds = { type: 'timestamp', max: '2026-11-29T10:00:00Z' };
    expect(misfit(bounds, seen('text', '2026-11-29 10:30:00+01'))).toBeUndefined();
    expect(misfit(bounds, seen('text', '2026-11-29 10:30:00+00'))).toBeDefined();
  });

  it('lists what it may be', () => {
    expect(misfit({ type: 'text', oneOf: ['a', 'b'] }, seen('text', 'b'))).toBeUndefined();
    expect(misfit({ type: 'text', oneOf: ['a', 'b'] }, seen('text', 'B'))).toBeDefined();
    expect(misfit({ type: 'integer', oneOf: [1, 2] }, seen('integer', '02'))).toBeUndefined();
  });

  it('gives the whole text a form', () => {
    const form = { type: 'text', pattern: '[A-Z]{2}[0-9]+' };
    expect(misfit(form, seen('text', 'AB12'))).toBeUndefined();
    expect(misfit(form, seen('text', 'AB12\n'))).toBeDefined();
    expect(misfit(form, seen('text', 'xAB12'))).toBeDefined();
  });

  it('is looked at in linear time', () => {
    const form = { type: 'text', pattern: '(a+)+b' };
    expect(misfit(form, seen('text', 'a'.repeat(20_000)))).toBeDefined();
  });

  it('counts characters, and no code units', () => {
    expect(misfit({ type: 'text', maxLength: 2 }, seen('text', '😀😀'))).toBeUndefined();
    expect(misfit({ type: 'text', maxLength: 1 }, seen('text', '😀😀'))).toBeDefined();
  });

  it('lets NULL in where it says so', () => {
    expect(misfit({ type: 'integer', nullable: true }, seen('any', null))).toBeUndefined();
  });

  it('holds for each of a list, and for no list where none is wanted', () => {
    const list = { list: [seen('integer', '1'), seen('integer', '2')] } as SeenValue;
    expect(misfit({ type: 'integer', many: 2, max: 2 }, list)).toBeUndefined();
    expect(misfit({ type: 'integer', many: 2, max: 1 }, list)).toBe('at most 1');
    expect(misfit({ type: 'integer', many: 1 }, list)).toBeDefined();
    expect(misfit({ type: 'integer' }, list)).toBeDefined();
  });
});

describe('where a value comes from', () => {
  it('is an output of a task before', () => {
    const from = { type: 'integer', from: 'find.returned.id' };
    expect(misfit(from, seen('integer', '42'))).toBeUndefined();
    expect(misfit(from, seen('any', '042'))).toBeUndefined();
    expect(misfit(from, seen('integer', '43'))).toBe('a value from find.returned.id');
    expect(misfit({ ...from, from: 'find.other.id' }, seen('integer', '42'))).toBeDefined();
  });

  it('is an input of the run', () => {
    expect(misfit({ type: 'integer', input: 'customer' }, seen('integer', '17'))).toBeUndefined();
    expect(misfit({ type: 'integer', input: 'customer' }, seen('integer', '18'))).toBeDefined();
    expect(misfit({ type: 'integer', input: 'unknown' }, seen('integer', '17'))).toBeDefined();
  });

  it('tells the number 7 from the text 7', () => {
    expect(digests.ofValue('7', 'integer')).toBe(digests.ofValue('7.0', 'number'));
    expect(digests.ofValue('7', 'integer')).not.toBe(digests.ofValue('7', 'text'));
  });

  it('cannot be guessed without the key of the run', () => {
    const other = new RunDigests(Buffer.alloc(32, 8));
    expect(other.ofValue('42', 'integer')).not.toBe(digests.ofValue('42', 'integer'));
  });
});

describe('a fixed value', () => {
  it('is the same value, and a bind value may be it', () => {
    expect(isConstant(seen('integer', '5'), seen('integer', '05'))).toBe(true);
    expect(isConstant(seen('integer', '5'), seen('any', '5'))).toBe(true);
    expect(isConstant(seen('integer', '5'), seen('text', '5'))).toBe(false);
    expect(isConstant(seen('text', 'a'), seen('text', 'b'))).toBe(false);
    expect(isConstant(seen('any', null), seen('any', 'null'))).toBe(false);
  });
});
