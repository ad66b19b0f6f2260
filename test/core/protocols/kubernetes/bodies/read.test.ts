import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { podFacts } from '#core/protocols/kubernetes/bodies/facts.ts';
import { gunzip } from '#core/protocols/kubernetes/bodies/gunzip.ts';
import { type BodyRead, readBody } from '#core/protocols/kubernetes/bodies/read.ts';
import type { BodyValue } from '#core/protocols/kubernetes/bodies/value.ts';
import { field, varintField } from './protobuf-writer.ts';

const read = (text: string | Uint8Array, type: string | undefined = 'application/json'): BodyRead =>
  readBody(Buffer.from(text as Uint8Array), type, undefined, gunzip);
const yaml = (text: string): BodyRead => read(text, 'application/yaml');
const cbor = (hex: string): BodyRead => read(Buffer.from(hex.replaceAll(' ', ''), 'hex'), 'application/cbor');

function valueOf(body: BodyRead): BodyValue {
  if (body.kind === 'unreadable') throw new Error(body.why);
  return body.value;
}

describe('types of bodies', () => {
  it.each([
    [undefined, '{"a":1}'],
    ['application/json', '{"a":1}'],
    ['Application/JSON; charset=utf-8', '{"a":1}'],
    ['application/merge-patch+json', '{"a":1}'],
    ['application/strategic-merge-patch+json', '{"a":1}'],
    ['application/apply-patch+yaml', 'a: 1'],
    ['application/yaml', 'a: 1\n'],
  ])('%s', (type, text) => {
    expect(valueOf(read(text, type))).toEqual({ a: 1 });
  });

  it.each(['text/plain', 'application/json, application/yaml', ' ', 'application', ';'])(
    '%s is none',
    (type) => {
      expect(read('{}', type).kind).toBe('unreadable');
    },
  );
});

describe('JSON', () => {
  it.each([
    ['a name twice', '{"spec":{},"spec":{}}'],
    ['a name twice, spelt differently', '{"spec":{},"\\u0073pec":{}}'],
    ['two names that Go takes for one', '{"\\ud800":1,"\\udfff":2}'],
    ['half a surrogate pair in a value', '{"a":"\\ud800"}'],
    ['__proto__', '{"__proto__":{"a":1}}'],
    ['bytes behind its end', '{}{}'],
    ['a byte order mark', '\ufeff{}'],
    ['a comment', '{}//'],
    ['a number beyond all', '{"a":1e999}'],
    ['nothing', ''],
    ['depth', '['.repeat(200) + ']'.repeat(200)],
    ['great depth', '['.repeat(1_000_000)],
  ])('security case 16: with %s is refused', (_, text) => {
    expect(read(text).kind).toBe('unreadable');
  });

  it('that is no UTF-8 is refused', () => {
    expect(read(Uint8Array.of(0x22, 0xff, 0x22)).kind).toBe('unreadable');
  });

  it('keeps names in their case, as the API server does', () => {
    expect(valueOf(read('{"Spec":1,"spec":2}'))).toEqual({ Spec: 1, spec: 2 });
  });

  it('of a refusal says nothing of the body', () => {
    expect(read('{"secret-name":1,"secret-name":2}')).toEqual({
      kind: 'unreadable',
      why: 'has a name twice in one object',
    });
  });
});

describe('YAML', () => {
  it('is what all readers see', () => {
    const text =
      'kind: Pod\nspec:\n  containers:\n  - name: "a"\n    args: [x, "no"]\n    text: |\n      {b\n      [c\n  d: {}\n  e: "{"\n';
    expect(valueOf(yaml(text))).toEqual({
      kind: 'Pod',
      spec: { containers: [{ name: 'a', args: ['x', 'no'], text: '{b\n[c\n' }], d: {}, e: '{' },
    });
  });

  it('has the dots of managedFields', () => {
    expect(valueOf(yaml('f:a:\n  .: {}\n  b: .\n'))).toEqual({ 'f:a': { '.': {}, b: '.' } });
  });

  it.each([
    ['the Norway problem', 'country: no'],
    ['another', 'on: 1'],
    ['octal numbers', 'mode: 0777'],
    ['sexagesimal numbers', 'port: 22:22'],
    ['grouped numbers', 'a: 1_000'],
    ['dates', 'a: 2026-11-29'],
    ['infinities', 'a: .inf'],
    ['merge keys', 'a: {<<: {b: 1}}'],
    ['quoted merge keys', '{"<<": {"b": 1}}'],
    ['anchors', 'a: &x 1\nb: *x'],
    ['an anchor alone', 'a: &x 1'],
    ['tags', 'a: !!str 1'],
    ['binary', 'a: !!binary aGk='],
    ['names twice', 'a: 1\na: 2'],
    ['names twice in JSON', '{"a": 1, "a": 2}'],
    ['names that are no texts', '1: a'],
    ['names that are lists', '[a]: b'],
    ['two documents', 'a: 1\n---\na: 2'],
    ['a directive', '%YAML 1.2\n---\na: 1'],
    ['tabs', 'a:\tb'],
    ['line breaks of old', 'a: "b\u2028c"'],
    ['the same in JSON', '{"a": "b\u0085c"}'],
    ['errors', 'a: [1'],
    ['maps in braces', 'a: {b: 1}'],
    ['maps in lists in brackets', 'a: [b: 1]'],
    ['explicit keys', '? a\n: b'],
    ['brackets that do not fit', 'a: [b}'],
    ['depth', `a: ${'['.repeat(500)}${']'.repeat(500)}`],
    ['depth in lines', Array.from({ length: 300 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')],
    ['depth in dashes', `${'- '.repeat(500)}a`],
    ['depth in keys', `${'? '.repeat(5000)}a`],
    ['nothing', ''],
  ])('security case 16: with %s is refused', (_, text) => {
    expect(yaml(text).kind).toBe('unreadable');
  });

  it('security case 16: of a thousand million laughs is refused', () => {
    const lines = ['a0: &a0 [lol]'];
    for (let at = 1; at < 30; at += 1) lines.push(`a${at}: &a${at} [*a${at - 1}, *a${at - 1}]`);
    expect(yaml(lines.join('\n')).kind).toBe('unreadable');
  });
});

describe('CBOR', () => {
  it.each([
    ['a map with texts as bytes', 'd9d9f7 a1 4161 4162', { a: 'b' }],
    ['a map with texts', 'a1 6161 6162', { a: 'b' }],
    ['bytes as base64', 'a1 4161 d6 42 6869', { a: 'aGk=' }],
    ['bytes as base64url', 'd5 42 fbff', '-_8'],
    ['bytes in hex', 'd7 42 fbff', 'fbff'],
    ['a time', 'c0 54 323032362d31312d32395430303a30303a30305a', '2026-11-29T00:00:00Z'],
    ['numbers', '86 00 1818 20 fb3ff8000000000000 f93e00 fa3fc00000', [0, 24, -1, 1.5, 1.5, 1.5]],
    ['a half that is small', 'f90001', 2 ** -24],
    ['constants', '83 f4 f5 f6', [false, true, null]],
  ])('%s', (_, hex, value) => {
    expect(valueOf(cbor(hex))).toEqual(value);
  });

  it.each([
    ['a name twice', 'a2 4161 01 4161 02'],
    ['a name twice, as text and as bytes', 'a2 4161 01 6161 02'],
    ['indefinite lengths', '9f ff'],
    ['an indefinite text', '5f 4161 ff'],
    ['undefined', 'f7'],
    ['a simple value', 'f8ff'],
    ['not a number', 'f97e00'],
    ['infinity', 'fb7ff0000000000000'],
    ['a big number', 'c2 49 010000000000000000'],
    ['a number that is too large', '1bffffffffffffffff'],
    ['an unknown tag', 'd9ffff 00'],
    ['a tag around no bytes', 'd6 00'],
    ['a name that is a number', 'a1 01 01'],
    ['bytes behind its end', '00 00'],
    ['an end too early', '82 00'],
    ['a length that is not there', '5b7fffffffffffffff'],
    ['a list that is not there', '9a7fffffff'],
    ['no UTF-8', '61 ff'],
    ['nothing', ''],
    ['depth', '81'.repeat(300)],
    ['depth in tags', 'd9d9f7'.repeat(300)],
    ['great depth', '81'.repeat(1_000_000)],
  ])('security case 16: with %s is refused', (_, hex) => {
    expect(cbor(hex).kind).toBe('unreadable');
  });

  it('security case 16: of millions of nothings is refused', () => {
    const bytes = Buffer.alloc(5 + 3_000_000, 0xf6);
    Buffer.from([0x9a]).copy(bytes);
    bytes.writeUInt32BE(3_000_000, 1);
    expect(read(bytes, 'application/cbor').kind).toBe('unreadable');
  });
});

describe('gzip', () => {
  it('is read where it can be', () => {
    expect(readBody(gzipSync('{"a":1}'), 'application/json', 'gzip', gunzip)).toMatchObject({
      value: { a: 1 },
    });
    expect(readBody(gzipSync('{"a":1}'), 'application/json', 'gzip').kind).toBe('unreadable');
    expect(readBody(gzipSync('{}'), 'application/json', 'br', gunzip).kind).toBe('unreadable');
    expect(readBody(Buffer.from('{}'), 'application/json', 'gzip', gunzip).kind).toBe('unreadable');
  });

  it('security case 21: a bomb is not inflated', () => {
    const bomb = gzipSync(Buffer.alloc(40 << 20, ' '));
    expect(readBody(bomb, 'application/json', 'gzip', gunzip).kind).toBe('unreadable');
  });
});

describe('protobuf', () => {
  const type = 'application/vnd.kubernetes.protobuf';
  const text = (number: number, value: string) => field(number, Buffer.from(value));
  const enveloped = (kind: string, object: Uint8Array, more: Uint8Array = Buffer.alloc(0)) =>
    Buffer.concat([
      Buffer.from('k8s\0'),
      field(1, Buffer.concat([text(1, 'v1'), text(2, kind)])),
      field(2, object),
      more,
    ]);
  const pod = (spec: Uint8Array) => enveloped('Pod', field(2, spec));
  const container = (name: string, ...more: Uint8Array[]) => Buffer.concat([text(1, name), ...more]);
  /** PodSpec's ephemeralContainers, and the part of each that a container has. */
  const ephemeral = (name: string) => field(34, field(1, container(name, text(2, 'image'))));

  it('shows what is in it', () => {
    const spec = Buffer.concat([field(2, container('main', text(3, 'sh'))), ephemeral('debug')]);
    const value = valueOf(read(pod(spec), type));
    expect(podFacts(value)).toMatchObject({
      containers: ['main'],
      commands: [{ container: 'main', words: ['sh'] }, { container: 'debug' }],
      ephemeralContainers: [{ name: 'debug', image: 'image' }],
    });
  });

  it('security case 4: an ephemeral container behind the others is seen', () => {
    const spec = Buffer.concat([ephemeral('a'), field(2, container('main')), ephemeral('b')]);
    const { ephemeralContainers } = podFacts(valueOf(read(pod(spec), type)))!;
    expect(ephemeralContainers.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it.each([
    ['no beginning', Buffer.from('{}')],
    ['a kind that is not known', enveloped('Podd', Buffer.alloc(0))],
    ['no kind', Buffer.concat([Buffer.from('k8s\0'), field(2, Buffer.alloc(0))])],
    ['nothing', Buffer.from('k8s\0')],
    [
      'a spec twice, which Go merges',
      enveloped('Pod', Buffer.concat([field(2, Buffer.alloc(0)), field(2, ephemeral('x'))])),
    ],
    ['an object twice', enveloped('Pod', Buffer.alloc(0), field(2, field(2, ephemeral('x'))))],
    ['a kind twice', enveloped('Pod', Buffer.alloc(0), field(1, text(2, 'Secret')))],
    ['an encoding of its own', enveloped('Pod', Buffer.alloc(0), text(3, 'gzip'))],
    [
      'a flag twice, of which the last counts',
      pod(Buffer.concat([varintField(11, 1n), varintField(11, 0n)])),
    ],
    ['a text twice', pod(field(2, container('a', text(1, 'b'))))],
    [
      'a field number of 2^32 and more, which Go cuts',
      pod(Buffer.concat([varint64(((1n << 32n) + 34n) * 8n + 2n), Buffer.from([0])])),
    ],
    ['a field of number 0', pod(Buffer.from([0x02, 0x00]))],
    ['a group', pod(Buffer.from([0x13, 0x14]))],
    ['a form of another type', pod(varintField(2, 1n))],
    ['a boolean of 2', pod(varintField(11, 2n))],
    [
      'an int32 of 33 bits, which Go cuts',
      pod(field(2, container('a', field(6, varintField(2, 1n << 32n))))),
    ],
    [
      'a number of 65 bits',
      pod(Buffer.concat([Buffer.from([0x58]), Buffer.alloc(9, 0xff), Buffer.from([0x02])])),
    ],
    ['a number without end', pod(Buffer.concat([Buffer.from([0x58]), Buffer.alloc(20, 0xff)]))],
    ['a length beyond its end', pod(Buffer.from([0x12, 0x7f]))],
    ['no UTF-8', pod(field(2, field(1, Uint8Array.of(0xff))))],
    ['bytes behind its end', Buffer.concat([pod(Buffer.alloc(0)), Buffer.from([0])])],
    ['labels twice', enveloped('Pod', field(1, Buffer.concat([label('a', '1'), label('a', '2')])))],
    ['a __proto__', enveloped('Pod', field(1, label('__proto__', '1')))],
  ])('security case 16: with %s is refused', (_, bytes) => {
    expect(read(bytes, type).kind).toBe('unreadable');
  });

  function label(name: string, value: string): Uint8Array {
    return field(11, Buffer.concat([text(1, name), text(2, value)]));
  }

  it('keeps fields that it does not know, and says where they are', () => {
    const body = read(pod(Buffer.concat([field(2000, Buffer.from('hi')), varintField(2001, 7n)])), type);
    expect(body).toMatchObject({
      value: { spec: { '#2000': ['aGk='], '#2001': ['7'] } },
      unknown: ['spec.#2000', 'spec.#2001'],
    });
    expect(podFacts(valueOf(body))).toMatchObject({ unsure: true });
  });

  it('security case 16: in lists in lists ends', () => {
    let list = enveloped('List', Buffer.alloc(0));
    for (let at = 0; at < 300; at += 1) list = enveloped('List', field(2, field(1, list)));
    expect(read(list, type).kind).toBe('unreadable');
  });

  it('nested in a list is read, whatever it is in', () => {
    const items = [pod(ephemeral('x')), Buffer.from('{"kind":"Secret"}'), Buffer.from('d9d9f7a0', 'hex')];
    const list = enveloped('List', Buffer.concat(items.map((item) => field(2, field(1, item)))));
    const value = valueOf(read(list, type));
    expect(value).toMatchObject({ items: [{ kind: 'Pod' }, { kind: 'Secret' }, {}] });
    expect(podFacts(value)!.ephemeralContainers).toMatchObject([{ name: 'x' }]);
  });
});

function varint64(value: bigint): Uint8Array {
  return varintField(0, value).subarray(1);
}

describe('whatever comes', () => {
  const seeds = readFileSync(
    new URL('../../../../vectors/kubernetes/bodies/secrets.jsonl', import.meta.url),
    'utf8',
  )
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; body: string });

  it('is a value or unreadable', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        ({ type, body }, changes, cut) => {
          const bytes = Buffer.from(body, 'base64');
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          const made = readBody(
            bytes.subarray(0, cut % 3 === 0 ? cut % bytes.length : bytes.length),
            type,
            undefined,
          );
          expect(['read', 'unreadable']).toContain(made.kind);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('as JSON is the same in YAML', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value);
        const json = read(text);
        const other = yaml(text);
        fc.pre(json.kind === 'read' && other.kind === 'read');
        expect(valueOf(other)).toEqual(valueOf(json));
      }),
      { numRuns: 200 },
    );
  });
});
