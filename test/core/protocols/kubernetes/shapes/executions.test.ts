import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kubernetesExecutions } from '#core/protocols/kubernetes/shapes/executions.ts';
import {
  RECORD_HEADER_BYTES,
  Record,
  type RecordType,
  writeRecordHeader,
} from '#core/protocols/kubernetes/tape.ts';
import type { StreamName } from '#core/recording/format.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import type { SeenExecution } from '#core/tasks/shapes.ts';

type Said = readonly [stream: StreamName, type: RecordType, call: number, payload: unknown];

function frame([stream, type, call, payload]: Said, at: number): ReplayFrame {
  const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
  const record = Buffer.alloc(RECORD_HEADER_BYTES + bytes.length);
  writeRecordHeader(record, type, call, bytes.length);
  record.set(bytes, RECORD_HEADER_BYTES);
  return { stream, withheld: false, timeUs: at * 1000, payload: record };
}

async function seen(frames: readonly ReplayFrame[], take = {}): Promise<SeenExecution[]> {
  const found: SeenExecution[] = [];
  for await (const one of kubernetesExecutions(all(frames), take)) found.push(one);
  return found;
}

async function* all<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

const said = (...list: Said[]): ReplayFrame[] => list.map(frame);
const head = (
  call: number,
  method: string,
  target: string,
  headers: readonly (readonly string[])[] = [],
): Said => [
  ...(['client', Record.head, call] as const),
  { method, target, http: '1.1', connection: 1, headers },
];
const end = (stream: StreamName, call: number): Said => [stream, Record.end, call, { bytes: 0 }];
const forwarded = (call: number): Said => [
  'gateway',
  Record.forwarded,
  call,
  { user: 'a', groups: [], extra: {} },
];
const answer = (
  stream: StreamName,
  call: number,
  status: number,
  headers: readonly (readonly string[])[] = [],
): Said => [...([stream, Record.head, call] as const), { status, headers }];

const POD = '/api/v1/namespaces/dev/pods/web-0';
const EXEC = `${POD}/exec?container=main&command=id`;
const WEBSOCKET = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Protocol', 'v5.channel.k8s.io'],
];
/** A server's frame (RFC 6455 section 5.2), for a channel. */
function websocket(channel: number, text: string): Uint8Array {
  const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);
  const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([0x82, ...length]), payload]);
}
const FAILED = {
  status: 'Failure',
  reason: 'NonZeroExitCode',
  details: { causes: [{ reason: 'ExitCode', message: '3' }] },
};

describe('calls of a recording', () => {
  it('come with what came of them, as they are over', async () => {
    const found = await seen(
      said(
        head(1, 'DELETE', POD),
        head(2, 'GET', POD),
        end('client', 1),
        end('client', 2),
        forwarded(1),
        forwarded(2),
        answer('target', 2, 404),
        end('target', 2),
        answer('target', 1, 200),
        ['target', Record.body, 1, Buffer.from('{}')],
        end('target', 1),
      ),
    );
    const sha256 = createHash('sha256').update('{}').digest('hex');
    expect(found).toMatchObject([
      {
        command: { text: 'get pods $1/$2' },
        at: 1000,
        answer: { outcome: 'failed', error: 'status 404', tookMs: 6 },
      },
      {
        command: { text: 'delete pods $1/$2' },
        at: 0,
        answer: { outcome: 'completed', streams: { stdout: { sha256, bytes: 2 } } },
      },
    ]);
  });

  it('have their bodies, and none of what passes beside', async () => {
    const body = Buffer.from('{"spec":{"replicas":3}}');
    const found = await seen(
      said(
        head(1, 'GET', '/apis/apps/v1'),
        end('client', 1),
        answer('target', 1, 200),
        end('target', 1),
        head(2, 'PATCH', POD, [['Content-Type', 'application/merge-patch+json']]),
        ['client', Record.body, 2, body.subarray(0, 9)],
        ['client', Record.body, 2, body.subarray(9)],
        end('client', 2),
        answer('target', 2, 200),
        end('target', 2),
      ),
    );
    expect(found).toHaveLength(1);
    expect(found[0]!.command).toMatchObject({
      text: 'patch pods $1/$2 {"spec":{"replicas":"$3"}}',
      values: [{ text: 'dev' }, { text: 'web-0' }, { kind: 'integer', text: '3' }],
    });
  });

  it('of exec say how the command ended, and what it said', async () => {
    const taken: string[] = [];
    const take = {
      bytes: (_: unknown, stream: string, first: Uint8Array) =>
        void taken.push(`${stream}: ${Buffer.from(first).toString()}`),
    };
    const frames = said(
      head(1, 'GET', EXEC, WEBSOCKET),
      end('client', 1),
      forwarded(1),
      answer('target', 1, 101, WEBSOCKET),
      ['target', Record.stream, 1, websocket(1, 'uid=0\n')],
      ['target', Record.stream, 1, websocket(3, JSON.stringify(FAILED))],
      ['target', Record.streamEnd, 1, Buffer.alloc(0)],
    );
    expect(await seen(frames, take)).toMatchObject([
      {
        command: { text: 'create pods/exec $1/$2?container=main ["id"]' },
        answer: { outcome: 'failed', error: 'exit 3' },
      },
    ]);
    expect(taken).toEqual(['stdout: uid=0\n']);
  });

  it('that were refused never reached the cluster, and others never ended', async () => {
    const found = await seen(
      said(
        head(1, 'DELETE', POD),
        answer('gateway', 1, 403),
        end('gateway', 1),
        head(2, 'GET', '/api//v1/pods'),
        answer('gateway', 2, 400),
        end('gateway', 2),
        head(3, 'GET', `${POD}/log?follow=true`),
        forwarded(3),
        answer('target', 3, 200),
        ['gateway', Record.cut, 3, { by: 'gateway' }],
        head(4, 'GET', POD),
      ),
    );
    expect(found.map(({ answer: { outcome } }) => outcome)).toEqual([
      'refused',
      'refused',
      'unfinished',
      'unfinished',
    ]);
    expect(found[1]!.command).toMatchObject({ why: 'has no one reading' });
  });

  it('whose bodies were withheld are compared with nothing', async () => {
    const found = await seen(
      said(
        head(1, 'POST', '/api/v1/namespaces/dev/secrets'),
        ['client', Record.withheld, 1, { why: 'secret', bytes: 3 }],
        answer('target', 1, 201),
        end('target', 1),
      ),
    );
    expect(found[0]!.command).toMatchObject({ why: 'had a body that was not kept' });
  });

  it('give the notes between them', async () => {
    const notes: unknown[] = [];
    const note = {
      stream: 'note' as const,
      withheld: false,
      timeUs: 5,
      payload: Buffer.from('{"note":"x"}'),
    };
    await seen([note], { note: (fact: unknown, at: number) => void notes.push([fact, at]) });
    expect(notes).toEqual([[{ note: 'x' }, 5]]);
  });

  it('are read whatever the bytes are', async () => {
    const piece = fc.record({
      stream: fc.constantFrom('client' as const, 'target' as const, 'gateway' as const, 'note' as const),
      type: fc.constantFrom(...Object.values(Record)),
      call: fc.integer({ min: 0, max: 3 }),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.constant(
          Buffer.from(
            '{"method":"GET","target":"/api/v1/pods/a/exec","status":101,"headers":[["Upgrade","x"]]}',
          ),
        ),
      ),
    });
    const bytes = fc.uint8Array({ maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(piece, bytes), { maxLength: 12 }), async (pieces) => {
        const frames = pieces.map((one, at) =>
          one instanceof Uint8Array
            ? { stream: 'client' as const, withheld: false, timeUs: at * 1000, payload: one }
            : frame([one.stream, one.type, one.call, one.payload], at),
        );
        for (const {
          answer: { tookMs },
        } of await seen(frames))
          expect(tookMs).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
