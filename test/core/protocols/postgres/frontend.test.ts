import * as fc from 'fast-check';
import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import * as frontend from '#core/protocols/postgres/frontend.ts';
import { MessageReader, type WholeMessage } from '#core/protocols/postgres/messages.ts';
import { readStartup } from '#core/protocols/postgres/startup.ts';
import { capturedStream, SCENARIOS } from '#test/vectors/postgres/read.ts';
import { refusalOf } from './support.ts';

function framed(bytes: Uint8Array): WholeMessage[] {
  const reader = new MessageReader(1 << 20);
  reader.push(bytes);
  return [...reader].filter((found) => !found.truncated);
}

function ours(bytes: Uint8Array): frontend.FrontendMessage[] {
  return framed(Uint8Array.from(bytes)).map(({ type, body }) => frontend.parseFrontend(type, body));
}

function capturedMessages(name: string): WholeMessage[] {
  const bytes = capturedStream(name, 0);
  const startup = readStartup(bytes);
  if (startup === undefined) throw new Error('the capture does not begin with a startup packet');
  return framed(bytes.subarray(startup.byteLength));
}

const value = Uint8Array.of(0, 0xff);

describe('parseFrontend', () => {
  const all: [string, Uint8Array, frontend.FrontendMessage][] = [
    ['query', serialize.query('select é'), { kind: 'query', text: 'select é' }],
    [
      'parse',
      serialize.parse({ name: 's', text: 'select $1', types: [23, 0xfffffff] }),
      { kind: 'parse', statement: 's', text: 'select $1', types: [23, 0xfffffff] },
    ],
    [
      'bind',
      serialize.bind({ portal: 'p', statement: 's', values: ['1', null, Buffer.from(value)], binary: true }),
      {
        kind: 'bind',
        portal: 'p',
        statement: 's',
        formats: [0, 0, 1],
        values: [Uint8Array.of(0x31), null, value],
        resultFormats: [1],
      },
    ],
    [
      'describe',
      serialize.describe({ type: 'S', name: 's' }),
      { kind: 'describe', what: 'statement', name: 's' },
    ],
    ['close', serialize.close({ type: 'P' }), { kind: 'close', what: 'portal', name: '' }],
    ['execute', serialize.execute({ portal: 'p', rows: 7 }), { kind: 'execute', portal: 'p', maxRows: 7 }],
    ['flush', serialize.flush(), { kind: 'flush' }],
    ['sync', serialize.sync(), { kind: 'sync' }],
    ['copy data', serialize.copyData(Buffer.from(value)), { kind: 'copy-data', data: value }],
    ['copy done', serialize.copyDone(), { kind: 'copy-done' }],
    ['copy fail', serialize.copyFail('no'), { kind: 'copy-fail', reason: 'no' }],
    ['terminate', serialize.end(), { kind: 'terminate' }],
  ];

  test.each(all)('reads what pg-protocol writes: %s', (_, bytes, expected) => {
    expect(ours(bytes)).toEqual([expected]);
  });

  test.each(SCENARIOS)('reads every message of %s', (name) => {
    const kinds = capturedMessages(name).map(({ type, body }) => frontend.parseFrontend(type, body).kind);
    expect(kinds).not.toContain('unknown');
  });

  test('reads the function calls of libpq', () => {
    const calls = capturedMessages('psql-large-object')
      .map(({ type, body }) => frontend.parseFrontend(type, body))
      .filter((message) => message.kind === 'function-call');
    expect(calls.length).toBeGreaterThan(3);
    expect(calls[0]).toMatchObject({ formats: [1], resultFormat: 1 });
  });

  test('every message cut short is a message or a refusal', () => {
    for (const { type, body } of SCENARIOS.flatMap(capturedMessages)) {
      for (let length = 0; length < body.length; length++) {
        expect(refusalOf(() => frontend.parseFrontend(type, body.subarray(0, length)))).toMatch(
          /^(none|protocol-violation)$/,
        );
      }
    }
  });

  // Security case 16: a count or a length is a claim.
  test.each([
    ['a query without end', 0x51, [65]],
    ['a query with bytes after its end', 0x51, [65, 0, 66]],
    ['65,535 types that are not there', 0x50, [0, 0, 0xff, 0xff]],
    ['values that are not there', 0x42, [0, 0, 0, 0, 0xff, 0xff]],
    ['a value longer than the message', 0x42, [0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 1]],
    ['a value of negative length', 0x42, [0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0x80]],
    ['neither a statement nor a portal', 0x44, [88, 0]],
    ['an execute without its limit', 0x45, [0]],
    ['a Sync with a body', 0x53, [0]],
  ])('refuses %s', (_, type, body) => {
    expect(refusalOf(() => frontend.parseFrontend(type, Uint8Array.from(body)))).toBe('protocol-violation');
  });

  test('any body gives a message or a refusal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 64 }), (type, body) => {
        expect(refusalOf(() => frontend.parseFrontend(type, body))).toMatch(/^(none|protocol-violation)$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('encoders', () => {
  test('write what pg-protocol writes', () => {
    expect(Buffer.from(frontend.passwordMessage('pässword'))).toEqual(serialize.password('pässword'));
    expect(Buffer.from(frontend.saslInitialResponse('SCRAM-SHA-256', Buffer.from('n,,')))).toEqual(
      serialize.sendSASLInitialResponseMessage('SCRAM-SHA-256', 'n,,'),
    );
    expect(Buffer.from(frontend.saslResponse(Buffer.from('c=biws')))).toEqual(
      serialize.sendSCRAMClientFinalMessage('c=biws'),
    );
    expect(Buffer.from(frontend.terminate())).toEqual(serialize.end());
  });

  test('passwords and initial responses are read back', () => {
    const body = (bytes: Uint8Array) => bytes.subarray(5);
    expect(frontend.parsePassword(body(frontend.passwordMessage('pässword')))).toBe('pässword');
    expect(frontend.parseSaslInitialResponse(body(frontend.saslInitialResponse('M', value)))).toEqual({
      mechanism: 'M',
      data: value,
    });
    expect(frontend.parseSaslInitialResponse(Uint8Array.of(77, 0, 255, 255, 255, 255))).toEqual({
      mechanism: 'M',
      data: undefined,
    });
  });

  test('a password with a NUL is refused, as the protocol would cut it', () => {
    expect(refusalOf(() => frontend.passwordMessage('a\0b'))).toBe('config-invalid');
  });

  test.each([[[]], [[65]], [[65, 0, 66]]])('refuses the password %j', (body) => {
    expect(refusalOf(() => frontend.parsePassword(Uint8Array.from(body)))).toBe('protocol-violation');
  });
});
