import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { BodyValue } from '#core/protocols/kubernetes/bodies/value.ts';
import { HELD_MAX_BYTES } from '#core/protocols/kubernetes/bodies/withhold/whole-body.ts';
import { type BodyWithholder, withholdingFor } from '#core/protocols/kubernetes/bodies/withhold.ts';
import type { ResourceCall, Verb } from '#core/protocols/kubernetes/call.ts';
import { RECORD_MAX_PAYLOAD, type Withheld } from '#core/protocols/kubernetes/tape.ts';

const MARKER = 'MARKER-of-a-secret-0123456789';

/** Bodies with the marker in each place of a secret, as Kubernetes' own encoders wrote them (test/vectors/kubernetes/bodies/make). */
const bodies = readFileSync(
  new URL('../../../../vectors/kubernetes/bodies/secrets.jsonl', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { name: string; type: string; body: string })
  .map(({ name, type, body }) => ({ name, type, bytes: Buffer.from(body, 'base64') }));

function callOf(verb: Verb, more: Partial<ResourceCall> = {}): ResourceCall {
  return {
    kind: 'resource',
    verb,
    group: '',
    version: 'v1',
    resource: 'secrets',
    namespace: 'dev',
    name: '',
    query: new URLSearchParams(),
    upgrades: false,
    ...more,
  };
}

function withholding(call: ResourceCall) {
  const made = withholdingFor(call, ['secrets']);
  if (made === undefined) throw new Error('nothing is withheld');
  return made;
}

/** All that would be on the tape, and what is shown of it. */
function passed(body: BodyWithholder, bytes: Uint8Array, cut = bytes.length) {
  const pieces: Withheld[] = [];
  for (let at = 0; at < bytes.length; at += cut) {
    // As of a reader's buffer, which the next bytes are written over.
    const part = Buffer.from(bytes.subarray(at, at + cut));
    pieces.push(...body.push(part));
    part.fill(0x2a);
  }
  pieces.push(...body.end());
  expect(body.pending).toBe(0);
  expect(pieces.reduce((sum, piece) => sum + piece.bytes, 0)).toBe(bytes.length);
  for (const piece of pieces) {
    expect(Buffer.byteLength(JSON.stringify(piece))).toBeLessThanOrEqual(RECORD_MAX_PAYLOAD);
    expect(piece.sha256).toBeUndefined();
  }
  const texts: string[] = [];
  let goesOn = false;
  for (const { shown, more } of pieces) {
    if (shown !== undefined) texts.push((goesOn ? texts.pop()! : '') + shown);
    goesOn = more === true;
  }
  expectNoMarker(pieces.map((piece) => JSON.stringify(piece)).join('\n') + texts.join('\n'));
  return { pieces, values: texts.map((text) => JSON.parse(text) as BodyValue) };
}

/** Not as it is, not as base64 at any of its three offsets, not in hex, also not a third of it. */
function expectNoMarker(text: string): void {
  const third = MARKER.slice(0, 12);
  const forms = [third, Buffer.from(third).toString('hex'), Array.from(third).reverse().join('')];
  for (const before of ['', 'x', 'xx']) {
    const encoded = Buffer.from(before + third).toString('base64');
    forms.push(encoded.slice(before.length === 0 ? 0 : 4, -4));
  }
  for (const form of forms) expect(text.includes(form), form).toBe(false);
}

describe('secrets that are withheld', () => {
  const cases = bodies.flatMap((body) => [
    { ...body, cut: body.bytes.length },
    { ...body, cut: 1 },
    { ...body, cut: 7 },
  ]);

  it.each(cases)('security case 15: $name as $type, in pieces of $cut', ({ name, type, bytes, cut }) => {
    const call =
      name === 'token'
        ? callOf('create', { resource: 'serviceaccounts', subresource: 'token' })
        : callOf(name === 'watch' ? 'watch' : 'get');
    const { values } = passed(withholding(call).response(200, type, undefined), bytes, cut);
    expect(values).toHaveLength(name === 'watch' ? 3 : 1);
    expect(values).toMatchObject(SHOWN[name as keyof typeof SHOWN]);
  });

  it.each(bodies.filter(({ name }) => name !== 'watch'))(
    'security case 15: $name as $type in gzip',
    ({ type, bytes }) => {
      const { values } = passed(
        withholding(callOf('list')).response(200, type, 'gzip'),
        gzipSync(bytes),
        100,
      );
      expect(values).toHaveLength(1);
    },
  );

  it.each(bodies)('security case 15: $name as $type, as a request', ({ type, bytes }) => {
    const { pieces } = passed(withholding(callOf('update')).request(type, undefined), bytes, 50);
    expect(pieces.length).toBeGreaterThan(0);
  });

  it.each(bodies)('security case 15: $name as $type under a wrong type, or broken', ({ bytes }) => {
    for (const type of [undefined, 'text/plain', 'application/json', 'application/cbor', 'application/yaml'])
      for (const part of [bytes, bytes.subarray(0, -3), Buffer.concat([bytes, bytes]), bytes.subarray(1)])
        for (const verb of ['get', 'watch'] as const) {
          const body = withholding(callOf(verb)).response(200, type, undefined);
          expect(passed(body, part, 64).pieces.length).toBeGreaterThan(0);
        }
  });
});

const MARK = '(withheld)';
const SECRET = {
  metadata: {
    name: 'db',
    namespace: 'dev',
    uid: 'u1',
    resourceVersion: '7',
    labels: { app: 'web' },
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': MARK, 'other/copy': MARK },
    managedFields: [{ manager: 'kubectl', operation: 'Apply', fieldsV1: MARK }],
  },
  type: 'Opaque',
  data: { password: MARK, other: MARK },
  stringData: { text: MARK },
};
const STATUS = {
  kind: 'Status',
  code: 400,
  reason: 'BadRequest',
  message: MARK,
  details: { name: 'db', causes: [{ reason: 'FieldValueInvalid', field: 'data[password]', message: MARK }] },
};
const SHOWN = {
  secret: [{ kind: 'Secret', ...SECRET }],
  list: [{ kind: 'SecretList', metadata: { continue: 'more' }, items: [SECRET, SECRET] }],
  'mixed list': [{ kind: 'List', items: [SECRET] }],
  status: [STATUS],
  token: [
    {
      kind: 'TokenRequest',
      spec: { audiences: ['api'] },
      status: { token: MARK, expirationTimestamp: '2027-01-15T08:00:00Z' },
    },
  ],
  watch: [
    { type: 'ADDED', object: SECRET },
    { type: 'MODIFIED', object: SECRET },
    { type: 'ERROR', object: STATUS },
  ],
} as const;

/** What is shown of a body in JSON. */
function shown(body: BodyWithholder, value: unknown): BodyValue | undefined {
  return passed(body, Buffer.from(JSON.stringify(value))).values[0];
}

describe('patches of a secret', () => {
  const patch = (value: unknown) =>
    shown(
      withholding(callOf('patch', { name: 'db' })).request('application/json-patch+json', undefined),
      value,
    );

  it('are shown with marks where they bring values, and with null where they take them away', () => {
    expect(
      patch({ data: { a: MARKER, b: null }, $patch: MARKER, spec: { x: [MARKER] }, stringData: null }),
    ).toEqual({ data: { a: MARK, b: null }, $patch: MARK, spec: MARK, stringData: null });
  });

  it('of RFC 6902 keep their places', () => {
    expect(
      patch([
        { op: 'add', path: '/data/password', value: MARKER },
        { op: 'test', path: '/data', value: { a: MARKER } },
        { op: 'replace', path: '/metadata/labels/app', value: 'web' },
        { op: 'replace', path: '/metadata/labels/app', value: { no: MARKER } },
        { op: 'move', from: '/data/a', path: '/data/b' },
        { op: 'add', path: `/data/a/${MARKER}/c`, valued: MARKER },
        MARKER,
      ]),
    ).toEqual([
      { op: 'add', path: '/data/password', value: MARK },
      { op: 'test', path: '/data', value: MARK },
      { op: 'replace', path: '/metadata/labels/app', value: 'web' },
      { op: 'replace', path: '/metadata/labels/app', value: MARK },
      { op: 'move', from: '/data/a', path: '/data/b' },
      { op: 'add', path: `/data/a/${MARK}`, valued: MARK },
      MARK,
    ]);
  });

  it.each([
    MARKER,
    7,
    true,
    [[MARKER]],
    [MARKER],
    { metadata: MARKER },
    { metadata: { name: { a: MARKER } } },
  ])('that are nothing known show nothing: %j', (value) => {
    expect(JSON.stringify(patch(value))).not.toContain(MARKER);
  });
});

describe('tables', () => {
  const table = {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: '1' },
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', description: 'd', priority: 0 },
      { name: 'Data', type: 'string', format: '', description: 'd', priority: 0 },
    ],
    rows: [
      {
        cells: ['db', 3],
        object: { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'db' }, data: { a: MARKER } },
      },
    ],
  };

  it('of secrets keep what the server prints of them', () => {
    expect(shown(withholding(callOf('list')).response(200, 'application/json', undefined), table)).toEqual({
      ...table,
      rows: [{ ...table.rows[0], object: { ...table.rows[0]!.object, data: { a: MARK } } }],
    });
  });

  it('of another resource keep its name', () => {
    const call = callOf('list', { group: 'example.com', resource: 'tokens' });
    const made = withholdingFor(call, ['tokens.example.com'])!.response(200, 'application/json', undefined);
    const secret = { ...table, rows: [{ cells: ['db', MARKER], object: null }] };
    expect(shown(made, secret)).toMatchObject({ rows: [{ cells: ['db', MARK], object: null }] });
  });
});

describe('another resource that is withheld', () => {
  it('is its metadata alone', () => {
    const call = callOf('create', { group: 'example.com', resource: 'tokens' });
    const token = {
      apiVersion: 'example.com/v1',
      kind: 'Token',
      metadata: { name: 'a' },
      spec: { by: { [MARKER]: 1 } },
      data: { [MARKER]: MARKER },
    };
    const request = withholdingFor(call, ['tokens.example.com'])!.request('application/json', undefined);
    expect(shown(request, token)).toEqual({ ...token, spec: MARK, data: MARK });
  });
});

describe('answers that are a Status', () => {
  const answer = (status: object) =>
    shown(withholding(callOf('get')).response(404, 'application/json', undefined), {
      kind: 'Status',
      apiVersion: 'v1',
      ...status,
    });

  it('say what is not there', () => {
    expect(answer({ reason: 'NotFound', message: 'secrets "db" not found' })).toMatchObject({
      message: 'secrets "db" not found',
    });
  });

  it('do not say what a webhook quotes', () => {
    const message = `admission webhook "w" denied the request: ${MARKER}`;
    expect(answer({ reason: 'Forbidden', message })).toMatchObject({ message: MARK });
  });

  it('are no Status because a request says so', () => {
    const body = { kind: 'Status', apiVersion: 'v1', reason: 'NotFound', message: MARKER };
    expect(shown(withholding(callOf('update')).request('application/json', undefined), body)).toMatchObject({
      message: MARK,
    });
  });
});

describe('what is withheld', () => {
  it.each([
    [['secrets'], callOf('get'), true],
    [['secrets'], callOf('get', { group: 'example.com' }), true],
    [['secrets'], callOf('get', { subresource: 'status' }), true],
    [['secrets'], callOf('get', { resource: 'pods' }), false],
    [[], callOf('get'), false],
    [['*'], callOf('get', { resource: 'pods' }), true],
    [['*.example.com'], callOf('get', { group: 'example.com', resource: 'a' }), true],
    [['tokens.example.com'], callOf('get', { group: 'example.org', resource: 'tokens' }), false],
    [['pods/log'], callOf('get', { resource: 'pods', subresource: 'log' }), true],
    [['pods/log'], callOf('get', { resource: 'pods' }), false],
    [[], callOf('create', { resource: 'serviceaccounts', subresource: 'token' }), true],
    [[], callOf('create', { group: 'authentication.k8s.io', resource: 'tokenreviews' }), true],
  ] as const)('%j and %o', (withhold, call, expected) => {
    expect(withholdingFor(call, withhold) !== undefined).toBe(expected);
  });
});

describe('what is too long', () => {
  it('is counted, and held no longer', () => {
    const body = withholding(callOf('list')).response(200, 'application/json', undefined);
    const part = Buffer.alloc(1 << 20, '[');
    for (let at = 0; at < 4; at += 1) expect(body.push(part)).toEqual([]);
    expect(body.pending).toBe(HELD_MAX_BYTES);
    expect(body.push(part)).toEqual([{ why: 'secret', bytes: HELD_MAX_BYTES + part.length }]);
    expect(body.pending).toBe(0);
    expect(body.push(part)).toEqual([{ why: 'secret', bytes: part.length }]);
    expect(body.end()).toEqual([]);
  });

  it.each(['application/json', 'application/vnd.kubernetes.protobuf', 'application/cbor-seq'])(
    'in a watch as %s neither',
    (type) => {
      const body = withholding(callOf('watch')).response(200, type, undefined);
      const length = 6 << 20;
      const long = Buffer.alloc(length, 'x');
      if (type.endsWith('protobuf')) long.writeUInt32BE(length - 4);
      else if (type.endsWith('seq')) Buffer.from([0x5a, 0, 0x60, 0, 0]).copy(long);
      else long[length - 1] = 10;
      const { pieces } = passed(body, long, 1 << 20);
      expect(pieces.every((piece) => piece.shown === undefined)).toBe(true);
      if (type.endsWith('seq')) return;
      // The next event is seen again.
      const next = bodies.find(({ name, type: of }) => name === 'watch' && of.startsWith(type))!;
      expect(passed(body, next.bytes).values).toHaveLength(3);
    },
  );

  it('is a bomb in gzip', () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20));
    expect(
      passed(withholding(callOf('list')).response(200, 'application/json', 'gzip'), bomb).values,
    ).toEqual([]);
  });
});

it('shows a long list in several records', () => {
  const items = Array.from({ length: 500 }, (_, at) => ({
    metadata: { name: `"\u0001secret"-${at}`, labels: { l: '\\"\u0001'.repeat(30) } },
    data: { a: MARKER },
  }));
  const list = { kind: 'SecretList', apiVersion: 'v1', items };
  const body = withholding(callOf('list')).response(200, 'application/json', undefined);
  const { values, pieces } = passed(body, Buffer.from(JSON.stringify(list)));
  expect(pieces.length).toBeGreaterThan(1);
  expect(values).toEqual([{ ...list, items: items.map((item) => ({ ...item, data: { a: MARK } })) }]);
});
