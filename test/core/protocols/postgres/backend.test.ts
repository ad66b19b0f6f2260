import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { parse as pgProtocolParse } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import * as backend from '#core/protocols/postgres/backend.ts';
import { MessageReader } from '#core/protocols/postgres/messages.ts';
import { errorResponseFor } from '#core/protocols/postgres/sqlstate.ts';
import { capturedStream, SCENARIOS } from '#test/vectors/postgres/read.ts';
import { refusalOf } from './support.ts';

const secret = Uint8Array.of(1, 2, 3, 4);

/** What our parser reads from whole messages. */
function ours(bytes: Uint8Array): backend.BackendMessage[] {
  const reader = new MessageReader(1 << 20);
  reader.push(bytes);
  return [...reader].map((found) => {
    if (found.truncated) throw new Error('longer than the test expects');
    return backend.parseBackend(found.type, found.body);
  });
}

/** What pg-protocol, node-postgres' own codec, reads from the same. */
async function theirs(bytes: Uint8Array) {
  const found: Record<string, unknown>[] = [];
  const stream = new Readable({ read: () => undefined });
  const done = pgProtocolParse(stream, (message) => {
    // An error is an Error, whose message structuredClone alone keeps; bytes are of a buffer that is used again.
    const text: unknown = Reflect.get(message, 'message');
    found.push({
      ...structuredClone({ ...message }),
      name: message.name,
      ...(text === undefined ? {} : { message: text }),
    });
  });
  stream.push(bytes);
  stream.push(null);
  await done;
  return found;
}

/** Our message in pg-protocol's words, for what both have. */
function inTheirWords(message: backend.BackendMessage): Record<string, unknown> {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the rest have nothing to compare
  switch (message.kind) {
    case 'error':
    case 'notice': {
      const text = { message: message.fields.get('M'), code: message.fields.get('C') };
      return {
        name: message.kind,
        ...text,
        severity: message.fields.get('S'),
        hint: message.fields.get('H'),
      };
    }
    case 'row-description': {
      const fields = message.columns.map(({ name, table, attribute, type, typeSize, typeModifier }) => {
        const both = { name, tableID: table, columnID: attribute, dataTypeID: type };
        return { ...both, dataTypeSize: typeSize, dataTypeModifier: typeModifier };
      });
      return { name: 'rowDescription', fields };
    }
    case 'data-row':
      return { name: 'dataRow', fieldCount: message.values.length };
    case 'command-complete':
      return { name: 'commandComplete', text: message.tag };
    case 'parameter-status':
      return { name: 'parameterStatus', parameterName: message.name, parameterValue: message.value };
    case 'ready-for-query':
      return { name: 'readyForQuery', status: message.status };
    case 'notification':
      return { name: 'notification', channel: message.channel, payload: message.payload };
    case 'parameter-description':
      return { name: 'parameterDescription', dataTypeIDs: message.types };
    case 'copy-in':
    case 'copy-out':
      return {
        name: `${message.kind === 'copy-in' ? 'copyIn' : 'copyOut'}Response`,
        columnTypes: message.columnFormats,
      };
    default:
      return {};
  }
}

const NOT_THEIRS = ['function-result', 'copy-both', 'negotiate-protocol-version'];

describe('parseBackend', () => {
  test.each(SCENARIOS)('reads every message of %s, as pg-protocol does', async (name) => {
    const bytes = capturedStream(name, 1);
    const messages = ours(bytes);
    expect(messages.filter(({ kind }) => kind === 'unknown')).toEqual([]);
    const comparable = !messages.some(({ kind }) => NOT_THEIRS.includes(kind));
    const expected = comparable ? messages.map(inTheirWords) : [];
    expect(comparable ? await theirs(bytes) : []).toMatchObject(expected);
  });

  test('every message of a capture cut short is a message or a refusal, and a byte too many is refused', () => {
    const reader = new MessageReader(1 << 20);
    for (const name of SCENARIOS) reader.push(capturedStream(name, 1));
    for (const found of reader) {
      if (found.truncated) continue;
      for (let length = 0; length < found.length; length++) {
        expect(refusalOf(() => backend.parseBackend(found.type, found.body.subarray(0, length)))).toMatch(
          /^(none|protocol-violation)$/,
        );
      }
    }
    expect(refusalOf(() => backend.parseBackend(0x31, Uint8Array.of(0)))).toBe('protocol-violation');
    expect(refusalOf(() => backend.parseBackend(0x5a, Uint8Array.of(73, 0)))).toBe('protocol-violation');
  });

  // Security case 16: a count or a length is a claim.
  test.each([
    ['a row of 65,535 columns without one', 0x44, [0xff, 0xff]],
    ['a value of 2 GB', 0x44, [0, 1, 0x7f, 0xff, 0xff, 0xff, 1]],
    ['a value of negative length', 0x44, [0, 1, 0xff, 0xff, 0xff, 0xfe]],
    ['columns that are not there', 0x54, [0x7f, 0xff, 97, 0]],
    ['parameters that are not there', 0x74, [0x7f, 0xff]],
    ['four billion options', 0x76, [0, 3, 0, 0, 0xff, 0xff, 0xff, 0xff]],
    ['a tag without end', 0x43, [65, 66]],
    ['fields without end', 0x45, [83, 65, 0]],
    ['mechanisms without end', 0x52, [0, 0, 0, 10, 65, 0]],
    ['a salt of 3 bytes', 0x52, [0, 0, 0, 5, 1, 2, 3]],
  ])('refuses %s', (_, type, body) => {
    expect(refusalOf(() => backend.parseBackend(type, Uint8Array.from(body)))).toBe('protocol-violation');
  });

  test('any body gives a message or a refusal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 64 }), (type, body) => {
        expect(refusalOf(() => backend.parseBackend(type, body))).toMatch(/^(none|protocol-violation)$/);
      }),
      { numRuns: 2000 },
    );
  });

  test('reads up to 65,535 columns', () => {
    const body = Buffer.alloc(2 + 0xffff * 4, 0xff);
    const row = backend.parseBackend(0x44, body);
    expect(row).toEqual({ kind: 'data-row', values: Array.from({ length: 0xffff }, () => null) });
  });
});

describe('encoders', () => {
  const all: [Uint8Array, backend.BackendMessage][] = [
    [backend.authenticationOk(), { kind: 'authentication-ok' }],
    [backend.authenticationCleartextPassword(), { kind: 'authentication-cleartext' }],
    [
      backend.authenticationSasl(['OAUTHBEARER', 'SCRAM-SHA-256']),
      { kind: 'authentication-sasl', mechanisms: ['OAUTHBEARER', 'SCRAM-SHA-256'] },
    ],
    [backend.authenticationSaslContinue(secret), { kind: 'authentication-sasl-continue', data: secret }],
    [backend.authenticationSaslFinal(secret), { kind: 'authentication-sasl-final', data: secret }],
    [backend.parameterStatus('a', 'é'), { kind: 'parameter-status', name: 'a', value: 'é' }],
    [backend.backendKeyData(-5, secret), { kind: 'backend-key-data', processId: -5, secret }],
    [
      backend.negotiateProtocolVersion(2, ['_pq_.a', '_pq_.b']),
      { kind: 'negotiate-protocol-version', newestMinor: 2, unrecognised: ['_pq_.a', '_pq_.b'] },
    ],
    [backend.readyForQuery('T'), { kind: 'ready-for-query', status: 'T' }],
  ];

  test.each(all)('give what the parser reads: %#', (bytes, expected) => {
    expect(ours(bytes)).toEqual([expected]);
  });

  test('negotiate in the bytes of PostgreSQL 15', () => {
    const captured = Buffer.from(capturedStream('protocol-3.2', 1));
    const expected = Buffer.from(backend.negotiateProtocolVersion(0, ['_pq_.custody']));
    expect(captured.subarray(0, expected.length)).toEqual(expected);
  });

  test('errors and notices carry all that pg-protocol reads', async () => {
    const report = { sqlstate: '42501', message: 'no\0t allowed', hint: 'ask\0 first', detail: 'd' };
    const words = { code: '42501', message: 'not allowed', hint: 'ask first', detail: 'd' };
    expect(await theirs(backend.errorResponse({ severity: 'FATAL', ...report }))).toMatchObject([
      { name: 'error', severity: 'FATAL', ...words },
    ]);
    expect(await theirs(backend.noticeResponse({ severity: 'WARNING', ...report }))).toMatchObject([
      { name: 'notice', severity: 'WARNING', ...words },
    ]);
  });

  test('an error of the gateway shows message and hint, and never its detail', () => {
    const error = new CustodyError('token-invalid', 'the token is not valid', {
      hint: 'run: custody login',
      detail: 'kid abc',
    });
    const fields = {
      S: 'FATAL',
      V: 'FATAL',
      C: '28P01',
      M: 'the token is not valid',
      H: 'run: custody login',
    };
    expect(ours(errorResponseFor(error))).toEqual([
      { kind: 'error', fields: new Map(Object.entries(fields)) },
    ]);
  });
});
