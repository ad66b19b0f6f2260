import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { request } from 'node:https';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { Record } from '#core/protocols/kubernetes/tape.ts';
import { eventually } from '#test/support/clients.ts';
import { selfSigned } from '#test/support/self-signed.ts';
import { type KubernetesStand, TOKEN } from './stand.ts';
import { byHttp1, byHttp2, stood } from './target.ts';

const PODS = '/clusters/prod/api/v1/namespaces/dev/pods';
const WATCH = `${PODS}?watch=true`;
const EVENT = '{"type":"ADDED","object":{"kind":"Pod"}}\n';
const said = (_: unknown, response: ServerResponse): void => void response.end('{}');
const terminated = new CustodyError('terminated', 'an operator ended this session', { hint: 'ask them' });

/** A call whose answer goes on. */
async function open(stand: KubernetesStand, path: string, headers: Record<string, string> = {}, tls = {}) {
  const sent = request({
    host: '127.0.0.1',
    port: stand.port,
    path,
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    ca: stand.cert,
    servername: 'localhost',
    agent: false,
    ...tls,
  });
  sent.end();
  const [response] = await once(sent, 'response');
  let body = '';
  response.on('data', (chunk: Buffer) => (body += chunk.toString()));
  const over = new Promise<string>((done) =>
    response.once('close', () => done(response.complete ? 'whole' : 'broken off')),
  );
  response.on('error', () => undefined);
  return { sent, response, over, body: () => body };
}

describe('a session', () => {
  it('has the calls of a client by whatever connections they come', async () => {
    const { stand } = await stood(said);
    await byHttp1(stand, PODS);
    await byHttp2(stand, PODS);
    await Promise.all([byHttp2(stand, PODS), byHttp1(stand, PODS)]);
    expect(stand.begun).toHaveLength(1);
    const heads = stand.records().filter(({ stream, type }) => stream === 'client' && type === Record.head);
    const calls = heads.map(({ call, payload }) => [
      call,
      JSON.parse(Buffer.from(payload).toString()).connection,
    ]);
    expect(calls.map(([call]) => call)).toEqual([1, 2, 3, 4]);
    expect(new Set(calls.map(([, connection]) => connection)).size).toBe(4);
  });

  it('begins once for calls that come at once, and is refused to all of them', async () => {
    const { stand } = await stood(said);
    await Promise.all([byHttp1(stand, PODS), byHttp2(stand, PODS), byHttp1(stand, PODS)]);
    expect(stand.begun).toHaveLength(1);
    const other = await stood(said);
    other.stand.refuses = new CustodyError('access-denied', 'no rule lets you in', { hint: 'ask' });
    const answers = await Promise.all([byHttp1(other.stand, PODS), byHttp2(other.stand, PODS)]);
    for (const { status, body } of answers)
      expect([status, JSON.parse(body).message]).toEqual([403, 'custody: no rule lets you in; ask']);
    expect(other.seen).toHaveLength(0);
  });

  it('security cases 7 and 13: is joined by nobody with another token, device or target, and records none of theirs', async () => {
    const { stand } = await stood(said);
    await byHttp1(stand, PODS);
    await byHttp1(stand, PODS, { headers: { authorization: `Bearer ${TOKEN}-2` } });
    await byHttp1(stand, '/clusters/other/api/v1/pods');
    const device = await selfSigned('laptop');
    const shown = await open(stand, PODS, {}, device);
    await shown.over;
    expect(stand.begun).toHaveLength(4);
    expect(stand.begun.map(({ greeting }) => greeting.device?.proof)).toEqual([
      undefined,
      undefined,
      undefined,
      'tls-certificate',
    ]);
    // Each has the one call of its own on its tape.
    const heads = stand.records().filter(({ stream, type }) => stream === 'client' && type === Record.head);
    expect(heads.map(({ call }) => call)).toEqual([1, 1, 1, 1]);
    expect((await byHttp1(stand, PODS, { headers: { authorization: 'Bearer bad' } })).status).toBe(401);
  });

  it('ends when no call was open for a while, and not while one is', async () => {
    const { stand } = await stood((_, response) => void response.write(EVENT));
    const watch = await open(stand, WATCH);
    expect(stand.timers.map(({ ms }) => ms)).toEqual([3_600_000]);
    watch.sent.destroy();
    await eventually('the call to be over', async () => stand.timers.length === 2 || undefined);
    stand.elapse(300_000);
    await eventually('the session to end', async () => stand.begun[0]!.ended);
    expect(stand.begun[0]!.ended).toEqual({ reason: 'client-closed', detail: 'no call for 5m' });
  });

  it('takes no more calls at its longest length, and lets go on what runs', async () => {
    const answers: ServerResponse[] = [];
    const { stand } = await stood((_, response) => {
      answers.push(response);
      response.write(EVENT);
    });
    const watch = await open(stand, WATCH);
    stand.elapse(3_600_000);
    const next = await open(stand, WATCH);
    expect(stand.begun).toHaveLength(2);
    answers[0]!.end(EVENT);
    expect(await watch.over).toBe('whole');
    expect(watch.body()).toBe(EVENT + EVENT);
    await eventually('the first to end', async () => stand.begun[0]!.ended);
    expect(stand.begun[1]!.ended).toBeUndefined();
    next.sent.destroy();
  });

  it('security case 12: whose token has expired is asked for another, though the session lives', async () => {
    const { stand, seen } = await stood(said);
    await byHttp1(stand, PODS);
    stand.now = new Date(stand.now.getTime() + 86_400_000);
    const late = await byHttp1(stand, PODS);
    expect([late.status, late.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(seen).toHaveLength(1);
  });

  it('that an operator ended says so to a watch, and to whoever comes back at once', async () => {
    const { stand, seen } = await stood((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(EVENT);
    });
    const watch = await open(stand, WATCH);
    await eventually('the event', async () => watch.body() === EVENT || undefined);
    stand.begun[0]!.link.end('terminated', terminated);
    expect(await watch.over).toBe('whole');
    const event = JSON.parse(watch.body().split('\n')[1]!);
    expect(event).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 403, reason: 'Forbidden' },
    });
    const again = await byHttp1(stand, PODS);
    expect([again.status, JSON.parse(again.body).message]).toEqual([
      403,
      'custody: an operator ended this session; ask them',
    ]);
    expect(seen).toHaveLength(1);
    stand.now = new Date(stand.now.getTime() + 61_000);
    expect((await open(stand, WATCH)).response.statusCode).toBe(200);
    expect(stand.begun).toHaveLength(2);
  });

  it('breaks off what has no place for words, and answers what was not answered', async () => {
    const { stand } = await stood((asked, response) => {
      if (asked.url!.includes('log')) response.write('half a line');
    });
    const log = await open(stand, '/clusters/prod/api/v1/namespaces/dev/pods/web-0/log?follow=true');
    const waits = byHttp2(stand, PODS);
    await eventually(
      'both calls',
      async () => stand.records().filter(({ type }) => type === Record.forwarded).length === 2 || undefined,
    );
    stand.begun[0]!.link.end('revoked', new CustodyError('access-revoked', 'the grant was revoked'));
    expect(await log.over).toBe('broken off');
    expect((await waits).status).toBe(403);
    await eventually('the end', async () => stand.begun[0]!.ended);
  });

  it('drains: what runs goes on, and the rest ends', async () => {
    const answers: ServerResponse[] = [];
    const { stand } = await stood((_, response) => {
      answers.push(response);
      response.write(EVENT);
    });
    const watch = await open(stand, WATCH);
    stand.drain();
    answers[0]!.end(EVENT);
    expect(await watch.over).toBe('whole');
    await eventually('the end', async () => stand.begun[0]!.ended);
    expect(stand.begun[0]!.ended).toEqual({ reason: 'drained' });
  });

  it('has so many calls at once, and tells more to come again', async () => {
    const { stand } = await stood((_, response) => void response.write(EVENT), { limits: { calls: 2 } });
    const open1 = await open(stand, WATCH);
    const open2 = await open(stand, WATCH);
    const third = await byHttp1(stand, WATCH);
    expect([third.status, third.headers['retry-after']]).toEqual([429, '1']);
    for (const { sent } of [open1, open2]) sent.destroy();
  });

  it('asks nobody for a token twice in the words of a session', async () => {
    const { stand } = await stood(said);
    const none = await byHttp1(stand, PODS, { headers: { authorization: '' } });
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(JSON.parse(none.body)).toMatchObject({ kind: 'Status', reason: 'Unauthorized' });
  });
});
