import { describe, expect, test } from 'vitest';
import { makeSigner, pem, SESSION } from '#test/support/evidence-builder.ts';
import { custody, environment, fakeApi, sessionRecord } from './support.ts';

async function gateway(sessions: readonly object[]) {
  const api = await fakeApi(pem(makeSigner()).toString());
  api.answers.set('/v1/sessions', { sessions });
  for (const session of sessions) api.answers.set(`/v1/sessions/${(session as { id: string }).id}`, session);
  return { api, env: environment(api) };
}

describe('sessions', () => {
  test('is a table, and one line of JSON with --json', async () => {
    const { env } = await gateway([sessionRecord()]);
    const { stdout } = await custody(['sessions'], { env });
    expect(stdout).toBe(
      [
        'SESSION                               STARTED               WHO               TARGET     STATE          TOOK        BYTES',
        `${SESSION}  2026-11-23T09:00:00Z  dana@example.com  orders-db  client-closed  4 min 10 s  1.8 KiB`,
        '',
      ].join('\n'),
    );
    const json = await custody(['sessions', '--json'], { env });
    expect(JSON.parse(json.stdout)).toEqual({ sessions: [sessionRecord()] });
  });

  test('asks for one target, and for no more than the limit', async () => {
    const { api, env } = await gateway([sessionRecord(), sessionRecord()]);
    const { stdout } = await custody(['sessions', '--target', 'a&b', '--limit', '1', '--json'], { env });
    expect(JSON.parse(stdout)).toEqual({ sessions: [sessionRecord()] });
    expect(api.requests.at(-1)!.path).toBe('/v1/sessions?limit=1&target=a%26b');
  });

  // Security case 18.
  test('names with terminal escapes are shown as text', async () => {
    const record = { ...sessionRecord(), principal: { issuer: 'x', subject: '\u001b[2J\u202eevil' } };
    const { env } = await gateway([record]);
    for (const args of [['sessions'], ['show', SESSION], ['sessions', '--json']]) {
      const { stdout } = await custody(args, { env });
      expect(stdout).toContain('evil');
      expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    }
  });
});

test('show tells about one session', async () => {
  const { env } = await gateway([sessionRecord()]);
  const { stdout } = await custody(['show', SESSION], { env });
  expect(stdout).toMatch(/^who +dana@example\.com$/m);
  expect(stdout).toMatch(/^reason +client-closed$/m);
});

describe('an error', () => {
  test('of the API is its own words and hint, exit code 1', async () => {
    const { env } = await gateway([sessionRecord()]);
    const other = SESSION.replace(/.$/, '0');
    expect(await custody(['show', other, '--json'], { env: env })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('custody: there is no such thing\nhint: look again\n') as string,
    });
  });

  test.each([['not-an-id'], ['../targets'], [SESSION.toUpperCase()]])('%s is no session id', async (id) => {
    const { env, api } = await gateway([]);
    expect(await custody(['show', id], { env })).toMatchObject({ code: 1 });
    expect(api.requests.every(({ path }) => path === '/v1/signer')).toBe(true);
  });

  test('of an API that is not there says where it was looked for', async () => {
    const { env } = await gateway([]);
    const ran = await custody(['sessions'], { env: { ...env, CUSTODY_API: 'http://127.0.0.1:9' } });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^custody: cannot reach http:\/\/127\.0\.0\.1:9: .*\nhint: .*\n$/);
  });

  test('of an answer that is no JSON, or in another shape', async () => {
    const { api, env } = await gateway([]);
    api.answers.set('/v1/sessions', { sessions: [{ id: 7 }] });
    const ran = await custody(['sessions'], { env });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/in a shape this custody does not know\nhint: at sessions\.0\.id: /);
  });
});
