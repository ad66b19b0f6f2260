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

  test('names the login that was chosen at a target, and show too', async () => {
    const { env } = await gateway([
      { ...sessionRecord(), target: 'web-1', protocol: 'ssh', login: 'deploy' },
    ]);
    expect((await custody(['sessions'], { env })).stdout).toContain('  deploy@web-1  ');
    const shown = await custody(['show', SESSION], { env });
    expect(shown.stdout).toMatch(/^target +deploy@web-1 \(ssh\)$/m);
  });

  test('names whoever acted beside whom they acted for, and show by whose word', async () => {
    const session = sessionRecord();
    const actors = [
      { issuer: 'https://ci.example', subject: 'agent-7' },
      { issuer: 'https://id.example', subject: 'planner' },
    ];
    const acted = { ...session, principal: { ...session.principal, actors } };
    const { env } = await gateway([acted]);
    expect((await custody(['sessions'], { env })).stdout).toContain(
      '  agent-7 for planner for dana@example.com  ',
    );
    const shown = await custody(['show', SESSION], { env });
    expect(shown.stdout).toMatch(
      /^actor +agent-7 at https:\/\/ci\.example, for planner at https:\/\/id\.example$/m,
    );
    const json = await custody(['sessions', '--json'], { env });
    expect(JSON.parse(json.stdout)).toEqual({ sessions: [acted] });
  });

  test('asks for one target, and for no more than the limit', async () => {
    const { api, env } = await gateway([sessionRecord(), sessionRecord()]);
    const { stdout } = await custody(['sessions', '--target', 'a&b', '--limit', '1', '--json'], { env });
    expect(JSON.parse(stdout)).toEqual({ sessions: [sessionRecord()] });
    expect(api.requests.at(-1)!.path).toBe('/v1/sessions?limit=1&target=a%26b');
  });

  test('asks for a time and a person', async () => {
    const { api, env } = await gateway([]);
    const args = [
      '--person',
      'dana@example.com',
      '--since',
      '2026-11-01',
      '--until',
      '2026-11-23T09:00+01:00',
    ];
    await custody(['sessions', ...args], { env });
    expect(api.requests.at(-1)!.path).toBe(
      '/v1/sessions?limit=20&person=dana%40example.com&since=2026-11-01T00%3A00%3A00.000Z&until=2026-11-23T08%3A00%3A00.000Z',
    );
    await custody(['sessions', '--since', '7d'], { env });
    const since = new URL(api.requests.at(-1)!.path, api.url).searchParams.get('since');
    expect(Math.abs(Date.now() - 7 * 86_400_000 - Date.parse(since!))).toBeLessThan(60_000);
  });

  test.each([
    ['--since', 'yesterday'],
    ['--since', '2026-02-30'],
    ['--since', '9999999d'],
    ['--until', '1'],
    ['--until', '2026-11-23T25:00Z'],
    ['--limit', '0'],
    ['--limit', '1.5'],
    ['--cursor', '../x'],
  ])('%s %s is refused before anything is asked', async (option, value) => {
    const { api, env } = await gateway([]);
    const ran = await custody(['sessions', option, value], { env });
    expect(ran.code).toBeGreaterThan(0);
    expect(ran.stdout).toBe('');
    expect(api.requests.filter(({ path }) => path.startsWith('/v1/sessions'))).toEqual([]);
  });

  // More than the 10,000 that used to be the end, with pages that hold nothing among them.
  test('with --limit all goes through every page, however many there are', async () => {
    const { api, env } = await gateway([]);
    const id = (n: number): string => SESSION.slice(0, -5) + String(50_000 - n).padStart(5, '0');
    api.answers.set('/v1/sessions', (query: URLSearchParams) => {
      const cursor = query.get('cursor');
      const from = cursor === null ? 0 : 50_001 - Number(cursor.slice(-5));
      if (from % 7 === 0 && from > 0) return { sessions: [], next: id(from) };
      const count = Math.min(Number(query.get('limit')), 12_000 - from);
      const sessions = Array.from({ length: count }, (_, at) => ({ ...sessionRecord(), id: id(from + at) }));
      return { sessions, ...(from + count < 12_000 && { next: sessions.at(-1)!.id }) };
    });
    const shown = await custody(['sessions', '--limit', 'all'], { env });
    const ids = shown.stdout
      .split('\n')
      .slice(1, -1)
      .map((line) => line.slice(0, 36));
    const json = await custody(['sessions', '--limit', 'all', '--json'], { env });
    const { sessions, ...rest } = JSON.parse(json.stdout) as { sessions: { id: string }[] };
    expect(rest).toEqual({});
    expect(ids).toEqual(sessions.map((session) => session.id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(11_000);
    expect(shown.stderr).not.toContain('follow');
  });

  test('says that more follow, and goes on from there', async () => {
    const { api, env } = await gateway([]);
    api.answers.set('/v1/sessions', () => ({ sessions: [sessionRecord()], next: SESSION }));
    const shown = await custody(['sessions', '--limit', '1'], { env });
    expect(shown.stderr).toContain(`more follow: --limit all, or go on from here with --cursor ${SESSION}`);
    const json = await custody(['sessions', '--limit', '1', '--json', '--cursor', SESSION], { env });
    expect(JSON.parse(json.stdout)).toEqual({ sessions: [sessionRecord()], next: SESSION });
    expect(api.requests.at(-1)!.path).toBe(`/v1/sessions?limit=1&cursor=${SESSION}`);
  });

  test('a server whose pages go in circles is refused', async () => {
    const { api, env } = await gateway([]);
    api.answers.set('/v1/sessions', () => ({ sessions: [], next: SESSION }));
    const ran = await custody(['sessions'], { env });
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('goes in circles') as string });
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
