import { describe, expect, it } from 'vitest';
import { bodyOf, byHttp1, byHttp2, stood } from './target.ts';

describe.each([
  ['HTTP/1.1', byHttp1],
  ['HTTP/2', byHttp2],
] as const)('calls by %s', (_, ask) => {
  it('go to the target with its credential and as the person, and come back as they are', async () => {
    const { stand, seen } = await stood((_asked, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Audit-Id': 'a1' });
      response.end('{"kind":"PodList"}');
    });
    const answer = await ask(stand, '/clusters/prod/api/v1/namespaces/dev/pods?limit=5');
    expect(answer).toMatchObject({ status: 200, body: '{"kind":"PodList"}' });
    expect(answer.headers['audit-id']).toBe('a1');
    expect(seen[0]!.url).toBe('/api/v1/namespaces/dev/pods?limit=5');
    expect(seen[0]!.headers).toMatchObject({
      authorization: 'Bearer gateway-token',
      'impersonate-user': 'custody:dana@example.com',
    });
    const session = seen[0]!.headers['impersonate-extra-custody.session'];
    expect(seen[0]!.headers['impersonate-extra-custody.request']).toBe(`${session as string}/1`);
  });

  it('that watch are asked for uncompressed: something has to be said in them, and each event shown', async () => {
    const { stand, seen } = await stood((_asked, response) => void response.end('{}'));
    const headers = { 'accept-encoding': 'gzip', accept: 'application/json' };
    for (const query of ['limit=5', 'watch=true&sendInitialEvents=true'])
      await ask(stand, `/clusters/prod/api/v1/namespaces/dev/pods?${query}`, { headers });
    expect(seen.map((asked) => asked.headers['accept-encoding'])).toEqual(['gzip', undefined]);
    expect(seen[1]!.headers.accept).toBe('application/json');
  });

  it('carry bodies both ways', async () => {
    const { stand } = await stood((asked, response) => void asked.pipe(response));
    const body = Buffer.alloc(700_000, 'abcdefg').toString();
    const answer = await ask(stand, '/clusters/prod/api/v1/namespaces/dev/pods', { method: 'POST', body });
    expect([answer.status, answer.body === body]).toEqual([200, true]);
    const types = stand.records().map(({ stream, type }) => `${stream} ${type}`);
    expect(types.slice(0, 2)).toEqual(['client 1', 'gateway 6']);
    expect(types.filter((one) => one.endsWith('3'))).toEqual(['client 3', 'target 3']);
    expect(bodyOf(stand, 'client') === body).toBe(true);
    expect(bodyOf(stand, 'target') === body).toBe(true);
  });

  it('that the target breaks off in mid answer are broken off: no client takes a part for all', async () => {
    const { stand } = await stood((asked, response) => {
      response.write('{"kind":');
      setTimeout(() => asked.socket.destroy(), 50);
    });
    const answer = ask(stand, '/clusters/prod/api/v1/namespaces/dev/pods');
    await expect(answer).rejects.toThrow(/INTERNAL_ERROR|hang up|aborted|ECONNRESET/);
  });
});
