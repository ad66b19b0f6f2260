/** What the CLI shows where the evidence is not given. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { makeKeys, pem, SESSION } from '#test/support/evidence-builder.ts';
import { custody, environment, type FakeApi } from './support.ts';

const MARK = '[redacted: pattern 1]';
const step = (number: number) => ({
  number,
  marks: [],
  kind: 'query',
  at: number,
  took: 1,
  redacted: true,
  statement: { text: `select '${MARK}' as s${number}`, bytes: 9, cut: false },
});

/** Refuses evidence, as the API does where a target leaves something out, and gives two pages of steps. */
async function refusing(): Promise<FakeApi> {
  const answers: Readonly<Record<string, readonly [status: number, body: object]>> = {
    '/v1/signer': [200, { pem: pem(makeKeys().signer).toString(), fingerprint: 'x' }],
    evidence: [
      403,
      {
        type: 'urn:custody:evidence-redacted',
        code: 'evidence-redacted',
        title: 'Forbidden',
        status: 403,
        detail: 'the evidence of orders-db holds what you may not see',
        hint: `custody steps ${SESSION}`,
      },
    ],
    'steps?cursor=0': [
      200,
      {
        session: SESSION,
        protocol: 'postgres',
        verdict: 'verified',
        findings: [],
        steps: [step(1)],
        next: 1,
      },
    ],
    'steps?cursor=1': [
      200,
      { session: SESSION, protocol: 'postgres', verdict: 'verified', findings: [], steps: [step(2)] },
    ],
  };
  const events: Readonly<Record<string, readonly [headers: object, line: string]>> = {
    'export?form=ocsf&cursor=0': [{ 'custody-next': '1', 'custody-after': '600501-ab' }, '{"uid":"1"}\n'],
    'export?form=ocsf&cursor=1&after=600501-ab': [{}, '{"uid":"\u202e"}\n'],
  };
  const server = createServer(({ url = '' }, response) => {
    const name = url.replace(`/v1/sessions/${SESSION}/`, '').replace(/^evidence.*/, 'evidence');
    const page = events[name];
    if (page !== undefined) return response.writeHead(200, { ...page[0] }).end(page[1]);
    const [status, body] = answers[name] ?? [404, { title: 'Not Found', status: 404 }];
    return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } as FakeApi;
}

test('the steps as the server shows them, said to be its word, and no verdict', async () => {
  const env = environment(await refusing());
  const played = await custody(['play', SESSION], { env });
  expect(played.stdout).toContain(`select '${MARK}' as s1`);
  expect(played.stdout).toContain(`select '${MARK}' as s2`);
  expect(played.stderr).toContain("the server's word");
  expect(played.code).toBe(2);
  const lines = await custody(['export', SESSION, '--ndjson'], { env });
  const parsed = lines.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(parsed.map(({ kind, verified }) => [kind, verified])).toEqual([
    ['evidence', false],
    ['query', undefined],
    ['query', undefined],
    ['verdict', false],
  ]);
  expect(lines.code).toBe(2);
  const events = await custody(['export', SESSION, '--ocsf'], { env });
  expect([events.stdout, events.code]).toEqual(['{"uid":"1"}\n{"uid":"\\u202e"}\n', 2]);
  expect(events.stderr).toContain("the server's word");
  const script = await custody(['export', SESSION, '--sql'], { env });
  expect(script.stderr).toContain('holds what you may not see');
  expect(script.stdout).toBe('');
});
