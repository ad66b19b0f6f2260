/** Calls of a recorded session as steps. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { kubernetesStepShape } from '#core/replay/kubernetes/shape.ts';
import {
  DEPLOYMENTS,
  deployment,
  GRANTED,
  message,
  PODS,
  pod,
  stepsOf,
  Tape,
  textOf,
  UPGRADE,
} from './support.ts';

const calls = async (tape: Tape) => (await stepsOf(tape)).filter(({ call }) => call !== undefined);

describe('a call', () => {
  it('is one step, with what was asked of what, as whom, and what came of it', async () => {
    const tape = new Tape();
    tape.call(
      { target: `${PODS}/web-0?pretty=1`, headers: [['user-agent', 'kubectl/1.37']] },
      200,
      pod('web-0'),
    );
    const [login, step, end] = await stepsOf(tape);
    expect(login).toMatchObject({ kind: 'login', login: { user: 'custody:ada@example.com', groups: [] } });
    expect(step).toMatchObject({
      kind: 'call',
      channel: 1,
      outcome: 'completed',
      call: {
        ...{ method: 'GET', verb: 'get', resource: 'pods', namespace: 'dev', name: 'web-0', status: 200 },
        ...{ http: '2', connection: 1, agent: 'kubectl/1.37', query: [{ name: 'pretty', value: '1' }] },
        as: { user: 'custody:ada@example.com' },
        response: { bytes: JSON.stringify(pod('web-0')).length, type: 'application/json' },
      },
    });
    expect(end?.kind).toBe('end');
    expect(textOf(step!).split('\n')[0]).toMatch(/#1 get pods dev\/web-0 → 200, \d/);
  });

  it('that is no resource has its path', async () => {
    const tape = new Tape();
    tape.call({ target: '/version' }, 200, { major: '1' });
    const [step] = await calls(tape);
    expect(step?.call).toMatchObject({
      verb: 'get',
      path: '/version',
      response: { sample: { text: '{"major":"1"}' } },
    });
  });

  it('that asks what there is to ask for is told in one line, unless it failed', async () => {
    const tape = new Tape();
    for (const target of ['/api', '/apis/apps/v1', '/openapi/v3/api/v1?hash=x', '/version'])
      tape.call({ target }, 200, '{}');
    tape.call({ target: '/apis' }, 403, 'no');
    tape.call({ target: '/healthz?verbose=1' }, 200, 'ok');
    expect((await calls(tape)).map((step) => textOf(step).split('\n').length)).toEqual([1, 1, 1, 1, 2, 3]);
    expect(textOf((await calls(tape))[0]!)).toMatch(/get \/api → 200, [\d.]+ ms, 2 bytes$/);
  });

  it('that makes something has the name of what is made, also where the server gave it', async () => {
    const tape = new Tape();
    const named = JSON.stringify(deployment(1));
    const status = { kind: 'Status', reason: 'Forbidden', message: 'no' };
    tape.call({ method: 'POST', target: DEPLOYMENTS, body: named }, 201, deployment(1));
    tape.call({ method: 'POST', target: DEPLOYMENTS, body: named }, 403, status);
    tape.call({ method: 'POST', target: PODS, body: '{"metadata":{"generateName":"a-"}}' }, 201, pod('a-x'));
    tape.call({ target: PODS }, 200, {});
    expect((await calls(tape)).map((step) => textOf(step).split(' → ')[0]!.split('  ').at(-1))).toEqual([
      '#1 create deployments.apps dev/web',
      '#2 create deployments.apps dev/web',
      '#3 create pods dev/a-x',
      '#4 list pods dev/*',
    ]);
  });

  it('that the cluster would not have is refused, with its reason', async () => {
    const tape = new Tape();
    const status = { kind: 'Status', apiVersion: 'v1', reason: 'Forbidden', message: 'no pods for you' };
    tape.call({ method: 'DELETE', target: `${PODS}/web-0` }, 403, status);
    const [step] = await calls(tape);
    expect(step).toMatchObject({
      outcome: 'refused',
      call: { reason: 'Forbidden', message: { text: 'no pods for you' } },
    });
    expect(textOf(step!)).toContain('delete pods dev/web-0 → 403 Forbidden');
  });

  it('that the gateway would not have is denied, and never was forwarded', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: '/api/v1//secrets' });
    tape.note({ note: 'call-refused', call, code: 'protocol-violation' });
    tape.head(call, 400, undefined, 'gateway');
    tape.body(
      'gateway',
      call,
      JSON.stringify({ kind: 'Status', reason: 'BadRequest', message: 'two readings' }),
    );
    const [note, step] = await stepsOf(tape);
    expect(note).toMatchObject({ kind: 'note', channel: 1, note: { code: 'protocol-violation' } });
    expect(step).toMatchObject({ outcome: 'denied', call: { by: 'gateway', reason: 'BadRequest' } });
    expect(step?.call?.as).toBeUndefined();
    expect(step?.call?.verb).toBeUndefined();
    expect(textOf(step!)).toContain('GET /api/v1//secrets → 400 BadRequest by the gateway');
  });

  it.each([
    [{ by: 'gateway', code: 'terminated', message: 'an operator ended it' }, 'ended'],
    [{ by: 'client' }, 'cut'],
    [{ by: 'target' }, 'cut'],
  ] as const)('that was cut by %j is %s', async (cut, outcome) => {
    const tape = new Tape();
    const call = tape.ask({ target: PODS });
    tape.forward(call).head(call, 200).record('target', Record.body, call, Buffer.from('{"ki'));
    tape.record('gateway', Record.cut, call, cut);
    tape.body('target', call, 'what comes afterwards says nothing');
    const all = await stepsOf(tape);
    expect(all.filter(({ kind }) => kind === 'call' || kind === 'damaged')).toMatchObject([
      { outcome, cut, call: { response: { bytes: 4 } } },
    ]);
  });

  it('that is not over when the recording ends is unfinished', async () => {
    const tape = new Tape();
    tape.ask({ target: PODS });
    expect(await calls(tape)).toMatchObject([{ outcome: 'unfinished' }]);
  });

  it('may run beside others, in any order', async () => {
    const tape = new Tape();
    const [one, two] = [tape.ask({ target: `${PODS}/a` }), tape.ask({ target: `${PODS}/b` })];
    tape.forward(two).forward(one).head(two, 200).head(one, 404);
    tape.body('target', two, '{}').body('target', one, '{}');
    expect((await calls(tape)).map(({ channel, outcome }) => [channel, outcome])).toEqual([
      [2, 'completed'],
      [1, 'failed'],
    ]);
  });

  it('has its body as JSON, whatever it was', async () => {
    const tape = new Tape();
    const answer = gzipSync(JSON.stringify(pod('web-0')));
    tape.call({ target: `${PODS}/web-0` }, 200, answer, [
      ['Content-Type', 'application/json'],
      ['Content-Encoding', 'gzip'],
    ]);
    const [step] = await calls(tape);
    expect(step?.call?.response).toMatchObject({
      bytes: answer.length,
      readAs: 'json',
      sample: { text: JSON.stringify(pod('web-0')) },
    });
  });
});

describe('what is withheld', () => {
  it('is shown with marks, and has no digest', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: '/api/v1/namespaces/dev/secrets/db' });
    tape.forward(call).head(call, 200);
    const shown = '{"kind":"Secret","metadata":{"name":"db"},"data":{"password":"(withheld)"}}';
    tape.record('target', Record.withheld, call, { why: 'secret', bytes: 150, shown });
    tape.record('target', Record.end, call, { bytes: 150 });
    const [step] = await calls(tape);
    expect(step?.call?.response).toEqual({
      ...{ bytes: 150, withheld: 150, why: 'secret', type: 'application/json' },
      sample: { text: shown, bytes: shown.length, cut: false },
    });
  });

  it('and not there is said to be not there', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: '/api/v1/namespaces/dev/secrets/db' });
    tape.forward(call).head(call, 404);
    const shown = '{"kind":"Status","reason":"NotFound","message":"secrets \\"db\\" not found"}';
    tape.record('target', Record.withheld, call, { why: 'secret', bytes: 150, shown });
    tape.record('target', Record.end, call, { bytes: 150 });
    const [step] = await calls(tape);
    expect(textOf(step!)).toMatch(/→ 404 NotFound, .*: secrets "db" not found/);
  });

  it('or kept as a digest has how much there was, and its SHA-256', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: PODS });
    tape.forward(call).head(call, 200);
    tape.record('target', Record.withheld, call, { why: 'digest', bytes: 9000, sha256: 'a'.repeat(64) });
    tape.record('target', Record.end, call, { bytes: 9000 });
    const [step] = await calls(tape);
    expect(step?.call?.response).toMatchObject({ bytes: 9000, why: 'digest', sha256: 'a'.repeat(64) });
    expect(textOf(step!)).toContain('answer: 9000 bytes, application/json, kept as a digest');
  });
});

describe('a change', () => {
  it('is shown against what the session saw before', async () => {
    const tape = new Tape();
    tape.call({ target: `${DEPLOYMENTS}/web` }, 200, deployment(1));
    const body = '{"spec":{"replicas":3}}';
    tape.call({ method: 'PATCH', target: `${DEPLOYMENTS}/web`, body }, 200, deployment(3));
    tape.call({ method: 'PUT', target: `${DEPLOYMENTS}/web` }, 200, deployment(3, 'web:2'));
    const [, scaled, updated] = await calls(tape);
    expect(scaled?.diff).toEqual({
      since: 1,
      changes: [
        {
          ...{ path: 'spec.replicas', change: 'changed' },
          before: { text: '1', bytes: 1, cut: false },
          after: { text: '3', bytes: 1, cut: false },
        },
      ],
    });
    expect(updated?.diff?.since).toBe(2);
    expect(textOf(updated!)).toMatch(/~ spec\.template\.spec\.containers\[.*\]\.image: "web:1" → "web:2"/);
  });

  it('of a scale is shown against the object, or against a scale that was seen later', async () => {
    const tape = new Tape();
    tape.call({ target: `${DEPLOYMENTS}/web` }, 200, deployment(1));
    const scaled = (replicas: number, uid = 'u1') => {
      const scale = { kind: 'Scale', metadata: { name: 'web', namespace: 'dev', uid }, spec: { replicas } };
      tape.call({ method: 'PATCH', target: `${DEPLOYMENTS}/web/scale` }, 200, scale);
    };
    scaled(3);
    scaled(2);
    tape.call({ target: `${DEPLOYMENTS}/web` }, 200, deployment(5));
    scaled(4);
    scaled(9, 'another');
    const all = (await calls(tape)).filter(({ call }) => call?.verb === 'patch');
    const changes = all.map(({ diff }) => [
      diff?.since,
      ...(diff?.changes ?? []).map(({ path, before, after }) => [path, before?.text, after?.text]),
    ]);
    expect(changes).toEqual([
      [1, ['spec.replicas', '1', '3']],
      [2, ['spec.replicas', '3', '2']],
      [4, ['spec.replicas', '5', '4']],
      [undefined],
    ]);
  });

  it('is known from lists and watches, and not from a table for people', async () => {
    const tape = new Tape();
    const list = { kind: 'DeploymentList', items: [deployment(1)] };
    tape.call({ target: DEPLOYMENTS }, 200, list);
    tape.call({ target: `${DEPLOYMENTS}/web` }, 200, { kind: 'Table', rows: [] });
    tape.call({ method: 'PATCH', target: `${DEPLOYMENTS}/web` }, 200, deployment(2));
    const patched = (await calls(tape)).at(-1);
    expect(patched?.diff).toMatchObject({ since: 1, changes: [{ path: 'spec.replicas' }] });
  });

  it('of an object that was made anew under the name is none', async () => {
    const tape = new Tape();
    tape.call({ target: `${PODS}/a` }, 200, pod('a'));
    tape.call({ method: 'PATCH', target: `${PODS}/a` }, 200, pod('a', {}, { uid: 'another' }));
    expect((await calls(tape)).at(-1)?.diff).toBeUndefined();
  });

  it('that was only tried is shown, and not remembered', async () => {
    const tape = new Tape();
    tape.call({ target: `${DEPLOYMENTS}/web` }, 200, deployment(1));
    tape.call({ method: 'PATCH', target: `${DEPLOYMENTS}/web?dryRun=All` }, 200, deployment(9));
    tape.call({ method: 'PATCH', target: `${DEPLOYMENTS}/web` }, 200, deployment(2));
    const [, tried, done] = await calls(tape);
    expect(tried?.diff?.changes[0]?.after?.text).toBe('9');
    expect(done?.diff).toMatchObject({
      since: 1,
      changes: [{ before: { text: '1' }, after: { text: '2' } }],
    });
  });

  it('by which an object is gone has it as it was', async () => {
    const tape = new Tape();
    tape.call({ target: `${PODS}/a` }, 200, pod('a'));
    tape.call({ method: 'DELETE', target: `${PODS}/a` }, 200, { kind: 'Status', status: 'Success' });
    tape.call({ method: 'DELETE', target: `${PODS}/a` }, 200, { kind: 'Status', status: 'Success' });
    const [, deleted, again] = await calls(tape);
    expect(deleted?.diff).toMatchObject({
      since: 1,
      changes: [],
      before: { text: JSON.stringify(pod('a')) },
    });
    expect(again?.diff).toBeUndefined();
  });
});

describe('a watch', () => {
  const WATCH = `${PODS}?watch=true`;
  const event = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

  it('is told when it begins, by each change, and by counts at its end', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: WATCH });
    tape.forward(call).head(call, 200);
    const text = [
      event('ADDED', pod('a', { spec: { x: 1 } })),
      event('BOOKMARK', { kind: 'Pod', metadata: {} }),
      event('MODIFIED', pod('a', { spec: { x: 2 } })),
      event('DELETED', pod('a', { spec: { x: 2 } })),
      event('ERROR', { kind: 'Status', message: 'too old' }),
    ].join('');
    for (const letter of text) tape.record('target', Record.body, call, Buffer.from(letter));
    tape.record('target', Record.end, call, { bytes: text.length });
    const [, begun, added, modified, deleted, error, watch] = await stepsOf(tape);
    expect(begun).toMatchObject({ kind: 'begun', channel: 1, call: { verb: 'watch' } });
    expect(added).toMatchObject({
      kind: 'event',
      event: { type: 'ADDED', kind: 'Pod', namespace: 'dev', name: 'a' },
    });
    expect(modified?.diff).toMatchObject({ since: 1, changes: [{ path: 'spec.x', before: { text: '1' } }] });
    expect(deleted?.event?.type).toBe('DELETED');
    expect(error).toMatchObject({ outcome: 'failed', event: { message: { text: 'too old' } } });
    expect(watch).toMatchObject({
      kind: 'watch',
      watch: { events: 5, untold: 1, counts: [{ type: 'ADDED', kind: 'Pod', count: 1 }, {}, {}, {}, {}] },
    });
  });

  it('tells the first of many changes alone', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: WATCH });
    tape
      .forward(call)
      .head(call, 200)
      .body('target', call, event('ADDED', pod('a')).repeat(50));
    const steps = await stepsOf(tape, { told: 10 });
    expect(steps.filter(({ kind }) => kind === 'event')).toHaveLength(10);
    expect(steps.find(({ kind }) => kind === 'watch')?.watch).toMatchObject({ events: 50, untold: 40 });
  });

  it('of protobuf is read as well, and what cannot be read is counted', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: WATCH });
    tape
      .forward(call)
      .head(call, 200, [['Content-Type', 'application/vnd.kubernetes.protobuf;stream=watch']]);
    const added = Buffer.concat([
      Buffer.from([0x0a, 5]),
      Buffer.from('ADDED'),
      Buffer.from([0x12, 2, 0x0a, 0]),
    ]);
    const frame = Buffer.concat([Buffer.from([0, 0, 0, added.length]), added]);
    tape.body('target', call, Buffer.concat([frame, frame]));
    const watch = (await stepsOf(tape)).find(({ kind }) => kind === 'watch');
    expect(watch?.watch).toMatchObject({ events: 2, counts: [{ type: 'ADDED', kind: '', count: 2 }] });
  });

  it('of CBOR is read as well, wherever it is cut', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: WATCH });
    tape.forward(call).head(call, 200, [['Content-Type', 'application/cbor-seq']]);
    const words = ['type', 'ADDED', 'object', 'kind', 'Pod'].map((word) => Buffer.from(word));
    const [type, added, object, kind, made] = words.map((word) => [0x40 + word.length, ...word]);
    const event = [0xd9, 0xd9, 0xf7, 0xa2, ...type!, ...added!, ...object!, 0xa1, ...kind!, ...made!];
    for (const byte of [...event, ...event]) tape.record('target', Record.body, call, Buffer.from([byte]));
    tape.record('target', Record.end, call, { bytes: 2 * event.length });
    const events = (await stepsOf(tape)).filter((step) => step.kind === 'event');
    expect(events.map((step) => step.event)).toEqual([
      { type: 'ADDED', kind: 'Pod' },
      { type: 'ADDED', kind: 'Pod' },
    ]);
  });

  it('of what is withheld tells the events that stand on the tape', async () => {
    const tape = new Tape();
    const call = tape.ask({ target: '/api/v1/secrets?watch=1' });
    tape.forward(call).head(call, 200);
    const shown = JSON.stringify({
      type: 'ADDED',
      object: { kind: 'Secret', metadata: { name: 's', namespace: 'dev' } },
    });
    tape.record('target', Record.withheld, call, {
      why: 'secret',
      bytes: 90,
      shown: shown.slice(0, 20),
      more: true,
    });
    tape.record('target', Record.withheld, call, { why: 'secret', bytes: 0, shown: shown.slice(20) });
    tape.record('gateway', Record.cut, call, { by: 'client' });
    const steps = await stepsOf(tape);
    expect(steps.find(({ kind }) => kind === 'event')?.event).toMatchObject({ type: 'ADDED', name: 's' });
    expect(steps.find(({ kind }) => kind === 'watch')).toMatchObject({
      outcome: 'cut',
      watch: { events: 1 },
    });
  });
});

it('logs that are followed are told when they begin; others once they are over', async () => {
  const tape = new Tape();
  const plain: readonly [string, string][] = [['content-type', 'text/plain']];
  tape.call({ target: `${PODS}/a/log` }, 200, 'one\ntwo\n', plain);
  tape.call({ target: `${PODS}/a/log?follow=true` }, 200, 'three\n', plain);
  const steps = await stepsOf(tape);
  expect(steps.map(({ kind }) => kind)).toEqual(['login', 'logs', 'begun', 'logs', 'end']);
  expect(steps[1]?.call?.response?.sample.text).toBe('one\ntwo\n');
  expect(textOf(steps[1]!)).toContain('| two');
});

it('whom the cluster sees is told again when that changes', async () => {
  const tape = new Tape();
  tape.note({ note: 'kubernetes-login', tls: 'TLSv1.3' });
  const [one, two] = [tape.ask({ target: '/version' }), tape.ask({ target: '/version' })];
  tape.forward(one, 'a', ['g']).forward(two, 'b');
  const logins = (await stepsOf(tape)).filter(({ kind }) => kind === 'login');
  expect(logins).toMatchObject([
    { login: { user: 'a', groups: ['g'] }, note: { tls: 'TLSv1.3' } },
    { login: { user: 'b' } },
  ]);
});

it('security case 18: nothing of a session acts on the terminal of who reads it', async () => {
  const evil = '\u001b]0;owned\u0007\u202e\u001b[2J';
  const tape = new Tape();
  const headers = [['user-agent', evil]] as const;
  tape.call({ target: `${PODS}/a?x=${encodeURIComponent(evil)}`, headers }, 200, pod('a', { x: '1' }));
  const body = JSON.stringify({ metadata: { labels: { x: evil } } });
  tape.call({ method: 'PATCH', target: `${PODS}/a`, body }, 200, pod('a', { x: evil, [evil]: evil }));
  const status = { kind: 'Status', reason: evil, message: evil };
  tape.call({ target: `${PODS}/b` }, 404, status);
  tape.call({ target: `${PODS}/a/log` }, 200, `${evil}\n${evil}`, [['content-type', evil]]);
  const call = tape.ask({ method: evil, target: `/${evil}` });
  tape.forward(call, evil, [evil]).head(call, 200);
  tape.record('gateway', Record.cut, call, { by: 'gateway', code: evil, message: evil });
  const watch = tape.ask({ target: `${PODS}?watch=1` });
  tape.forward(watch).head(watch, 200);
  tape.body('target', watch, `${JSON.stringify({ type: evil, object: pod(evil, { kind: evil }) })}\n`);
  tape.note({ note: evil, call });
  const texts = (await stepsOf(tape)).map(textOf);
  expect(texts.length).toBeGreaterThan(12);
  // eslint-disable-next-line no-control-regex
  for (const text of texts) expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  expect(texts.join('\n')).toContain('\\x1b]0;owned');
});

it('steps are of their shape, and come back from JSON as they were', async () => {
  const tape = new Tape();
  tape.call({ target: `${DEPLOYMENTS}/web` }, 200, deployment(1));
  tape.call({ method: 'PATCH', target: `${DEPLOYMENTS}/web`, body: '{}' }, 200, deployment(2));
  const steps = await stepsOf(tape);
  for (const step of steps) {
    expect(kubernetesStepShape.parse(JSON.parse(JSON.stringify(step)))).toEqual(
      JSON.parse(JSON.stringify(step)),
    );
  }
});

it('security case 18: nor do the words of a command, the names in an archive, or where a port-forward goes', async () => {
  const evil = '\u001b]0;owned\u0007\u202e\u009b2J';
  const tape = new Tape();
  const command = `command=${encodeURIComponent(evil)}&command=b`;
  const exec = tape.ask({ target: `${PODS}/a/exec?${command}&stdout=true&container=x`, headers: UPGRADE });
  tape.forward(exec).head(exec, 101, GRANTED);
  tape.record('target', Record.stream, exec, message(2, `${evil}\r\n`));
  const failed = { status: 'Failure', reason: evil, message: evil };
  tape.record('target', Record.stream, exec, message(3, JSON.stringify(failed)));
  tape.record('target', Record.streamEnd, exec, {});
  const words = ['tar', 'cf', '-', evil].map((word) => `command=${encodeURIComponent(word)}`).join('&');
  const copy = tape.ask({ target: `${PODS}/a/exec?${words}&stdout=true`, headers: UPGRADE });
  tape.forward(copy).head(copy, 101, GRANTED);
  tape.record('target', Record.stream, copy, message(1, archived(evil)));
  tape.record('target', Record.streamEnd, copy, {});
  tape.note({ note: 'call-refused', call: copy, code: evil, verb: evil, what: evil });
  const texts = (await stepsOf(tape)).map(textOf);
  expect(texts.join('\n')).toContain('\\x1b]0;owned');
  // eslint-disable-next-line no-control-regex
  for (const text of texts) expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

/** One empty file of ustar (POSIX.1-2001, pax). */
function archived(name: string): Buffer {
  const header = Buffer.alloc(1024);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('00000000000\0', 124);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  header.write('        ', 148);
  const sum = header.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
