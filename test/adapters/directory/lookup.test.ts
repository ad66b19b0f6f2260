import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessTokens } from '#adapters/directory/access-tokens.ts';
import { DirectoryHttp } from '#adapters/directory/http.ts';
import { allPages } from '#adapters/directory/lookup.ts';
import { microsoftDirectory } from '#adapters/directory/microsoft.ts';
import { directorySchema, type MicrosoftDirectoryConfig } from '#core/access/directory-schema.ts';
import { CustodyError } from '#core/errors.ts';
import type { GroupDirectory } from '#core/identity/directory.ts';
import {
  type DirectoryAnswer,
  inTurn,
  json,
  startDirectory,
  type TestDirectory,
} from '#test/support/directory.ts';

const CLIENT = '535fb089-9ff3-47b6-9bfb-4f1264799865';
const SECRET = 'very-secret';
const dana = personOf(1);
const rui = personOf(2);

let server: TestDirectory;
let now = 0;
let reads = 0;
beforeEach(async () => {
  server = await startDirectory();
  [now, reads] = [0, 0];
});
afterEach(() => server.close());

function directory(url = server.url): GroupDirectory {
  const config = directorySchema.parse({
    ...{ kind: 'microsoft', tenant: 'acme.com', clientId: CLIENT, secret: 'custody/graph' },
    ...{ graphUrl: url, loginUrl: url },
  }) as MicrosoftDirectoryConfig;
  const readSecret = async () => {
    reads += 1;
    return SECRET;
  };
  return microsoftDirectory(config, { readSecret, wallClock: () => new Date(now) });
}

function personOf(n: number) {
  return { subject: `sub-${n}`, claims: { oid: guid(n) } };
}

function guid(n: number): string {
  return `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;
}

function pageOf(count: number, from = 0, next?: string): object {
  const value = Array.from({ length: count }, (_, n) => ({
    ...{ '@odata.type': '#microsoft.graph.group', id: guid(from + n) },
  }));
  return { value, ...(next === undefined ? {} : { '@odata.nextLink': next }) };
}

const good: DirectoryAnswer = (_asked, response) => json(response, pageOf(1));

/** What it says, with everything that a log could show of it. */
async function refusal(asked: Promise<unknown>): Promise<{ code: string; detail: string; all: string }> {
  try {
    await asked;
  } catch (error) {
    const { code, message, hint, detail, cause } = error as Record<string, unknown>;
    const all = JSON.stringify([message, hint, detail, cause instanceof Error ? cause.message : cause]);
    return { code: String(code), detail: String(detail), all };
  }
  throw new Error('there was an answer');
}

/** Requests that were for groups. */
function lookups(): number {
  return server.asked.filter(({ path }) => !path.endsWith('/token')).length;
}

describe('the access token of a directory', () => {
  it('serves everybody until its last minute, and is asked for once at a time', async () => {
    server.groups = good;
    const groups = directory();
    await Promise.all([groups.groupsOf(dana), groups.groupsOf(rui)]);
    now = (3599 - 61) * 1000;
    await groups.groupsOf(dana);
    expect(new Set(server.asked.map(({ authorization }) => authorization))).toEqual(
      new Set([undefined, 'Bearer token-1']),
    );
    now = (3599 - 60) * 1000;
    await groups.groupsOf(dana);
    expect(server.asked.at(-1)!.authorization).toBe('Bearer token-2');
    expect(reads).toBe(2);
  });

  it('is replaced once where it is not taken', async () => {
    server.groups = inTurn((_asked, response) => json(response, {}, 401), good);
    expect(await directory().groupsOf(dana)).toEqual([guid(0)]);
    expect(server.asked.map(({ authorization }) => authorization)).toEqual([
      ...[undefined, 'Bearer token-1', undefined, 'Bearer token-2'],
    ]);
    server.groups = (_asked, response) =>
      json(response, { error: { code: 'InvalidAuthenticationToken' } }, 401);
    expect((await refusal(directory().groupsOf(dana))).detail).toContain('401 InvalidAuthenticationToken');
  });

  it.each<[what: string, answer: DirectoryAnswer, words: string]>([
    ['no JSON', (_asked, response) => response.end('<html>'), 'no access token in the answer'],
    ['no token', (_asked, response) => json(response, { expires_in: 3600 }), 'no access token in the answer'],
    [
      'a token that would make a header of its own',
      (_asked, response) => json(response, { access_token: 'a\r\nb: c' }),
      'no access token in the answer',
    ],
    [
      'a refusal',
      (_asked, response) => json(response, { error: 'invalid_client' }, 400),
      '400 invalid_client',
    ],
    ['an error', (_asked, response) => response.writeHead(503).end(), 'answered 503'],
  ])('is not asked for by each login where the answer is %s', async (_what, answer, words) => {
    server.token = answer;
    const groups = directory();
    const { code, all } = await refusal(groups.groupsOf(dana));
    expect(code).toBe('issuer-unreachable');
    expect(all).toContain(words);
    expect(all).not.toContain(SECRET);
    await refusal(groups.groupsOf(rui));
    expect(server.asked).toHaveLength(1);
    now = 10_000;
    await refusal(groups.groupsOf(rui));
    expect(server.asked).toHaveLength(2);
  });

  it('is asked for anew where nobody says how long it is good', async () => {
    server.groups = good;
    server.token = (_asked, response) => json(response, { access_token: 'x', expires_in: 'soon' });
    const groups = directory();
    await groups.groupsOf(dana);
    await groups.groupsOf(dana);
    expect(server.asked).toHaveLength(4);
  });
});

describe('a directory that does not say', () => {
  it('is told from one that does not know somebody, whom it refuses', async () => {
    server.groups = (_asked, response) => json(response, {}, 404);
    expect((await refusal(directory().groupsOf(dana))).code).toBe('access-denied');
  });

  it.each([400, 403, 409])('with %d, it is asked again for somebody else at once', async (status) => {
    server.groups = inTurn((_asked, response) => json(response, { error: { code: 'No' } }, status), good);
    const groups = directory();
    expect(await refusal(groups.groupsOf(dana))).toMatchObject({
      code: 'issuer-unreachable',
      detail: `${server.url} answered ${status} No`,
    });
    expect(await groups.groupsOf(rui)).toEqual([guid(0)]);
  });

  it.each<[what: string, headers: Record<string, string>, status: number, seconds: number]>([
    ['busy, for as long as it says', { 'retry-after': '30' }, 429, 30],
    ['busy for an hour, for five minutes', { 'retry-after': '3600' }, 429, 300],
    ['busy until a date, for ten seconds', { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, 429, 10],
    ['busy, for ten seconds', {}, 429, 10],
    ['broken, for ten seconds', {}, 500, 10],
    ['away, for as long as it says', { 'retry-after': '60' }, 503, 60],
  ])('is left alone when it is %s', async (_what, headers, status, seconds) => {
    server.groups = inTurn((_asked, response) => response.writeHead(status, headers).end(), good);
    const groups = directory();
    expect((await refusal(groups.groupsOf(dana))).detail).toBe(`${server.url} answered ${status}`);
    now = seconds * 1000 - 1;
    expect((await refusal(groups.groupsOf(rui))).detail).toContain('left alone');
    expect(lookups()).toBe(1);
    now = seconds * 1000;
    expect(await groups.groupsOf(rui)).toEqual([guid(0)]);
  });

  it('is asked again where the clock was set back meanwhile', async () => {
    server.groups = inTurn((_asked, response) => response.writeHead(503).end(), good);
    const groups = directory();
    now = 3600_000;
    await refusal(groups.groupsOf(dana));
    now -= 1;
    expect(await groups.groupsOf(rui)).toEqual([guid(0)]);
  });

  it.each([
    ['HTML', '<html>log in</html>'],
    ['half of its JSON', '{"value": [{"id": "'],
    ['nothing', ''],
    ['no object', '[]'],
    ['null', 'null'],
    ['a name twice', '{"value": [], "value": []}'],
    ['too much depth', `${'['.repeat(100)}${']'.repeat(100)}`],
    ['other bytes than UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('is not taken for one with no groups when it sends %s', async (_what, body) => {
    server.groups = (_asked, response) => response.end(body);
    expect((await refusal(directory().groupsOf(dana))).code).toBe('issuer-unreachable');
  });

  it('is believed in no other form than its own, whatever JSON it sends', async () => {
    const item = fc.record(
      {
        '@odata.type': fc.constantFrom('#microsoft.graph.group', '#microsoft.graph.user', 7),
        id: fc.oneof(fc.constant(guid(1)), fc.string(), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const page = fc.oneof(fc.jsonValue(), fc.record({ value: fc.oneof(fc.array(item), fc.jsonValue()) }));
    await fc.assert(
      fc.asyncProperty(page, async (body) => {
        server.groups = (_asked, response) => json(response, body);
        const groups = await directory()
          .groupsOf(dana)
          .catch((error: unknown) => error);
        const isRefused = groups instanceof CustodyError && groups.code === 'issuer-unreachable';
        expect(isRefused || Array.isArray(groups)).toBe(true);
        if (isRefused) return true;
        const { value } = body as { value: { id: string; '@odata.type': string }[] };
        const own = value.filter((one) => one['@odata.type'] === '#microsoft.graph.group');
        return JSON.stringify(groups) === JSON.stringify([...new Set(own.map(({ id }) => id.toLowerCase()))]);
      }),
      { numRuns: 200 },
    );
  });

  it('is read no further than two MiB (security case 21)', async () => {
    let sent = 0;
    const closed = new Promise<void>((resolve) => {
      server.groups = (_asked, response) => {
        response.on('close', resolve);
        const more = (): void => {
          do sent += 1 << 16;
          while (response.write(Buffer.alloc(1 << 16, 0x20)));
          response.once('drain', more);
        };
        more();
      };
    });
    expect((await refusal(directory().groupsOf(dana))).detail).toContain('more than 2 MiB');
    await closed;
    // What the kernel holds between them was sent as well.
    expect(sent).toBeLessThan(32 << 20);
  });

  it.each<[what: string, answer: DirectoryAnswer]>([
    ['does not answer', () => undefined],
    ['does not end', (_asked, response) => response.writeHead(200).write('{')],
  ])(
    'holds nobody up for longer than a call may take when it %s, and is left alone then',
    async (_what, answer) => {
      server.groups = answer;
      const http = new DirectoryHttp({ now: () => now, callMs: 40 });
      const url = new URL(server.url);
      expect((await refusal(http.ask({ url }))).detail).toBe(`${server.url} is too slow`);
      expect((await refusal(http.ask({ url }))).detail).toContain('left alone');
    },
  );

  it('ends with the time for all pages, and is asked for others then', async () => {
    const time = new AbortController();
    const url = new URL(server.url);
    server.groups = inTurn(
      (_asked, response) => json(response, {}),
      () => time.abort(),
      good,
    );
    const http = new DirectoryHttp({ now: () => now });
    const tokens = new AccessTokens(
      async () => ({ status: 200, body: { access_token: 'x' } }),
      () => now,
    );
    const read = () => ({ groups: ['g'], next: url });
    const pages = allPages(url, { http, tokens, signal: time.signal }, read);
    expect((await refusal(pages)).detail).toBe(`${server.url} is too slow`);
    expect(await http.ask({ url })).toMatchObject({ status: 200 });
  });

  it('keeps nobody waiting for its token for longer than that', async () => {
    const time = new AbortController();
    const http = new DirectoryHttp({ now: () => now });
    const tokens = new AccessTokens(
      () => {
        time.abort();
        return new Promise(() => undefined);
      },
      () => now,
    );
    const pages = allPages(new URL(server.url), { http, tokens, signal: time.signal }, () => {
      throw new Error('there was a page');
    });
    expect((await refusal(pages)).detail).toBe('the directory is too slow');
    expect(server.asked).toEqual([]);
  });

  it('is not followed through pages without end', async () => {
    server.groups = (_asked, response) => json(response, pageOf(0, 0, `${server.url}/v1.0/next`));
    expect((await refusal(directory().groupsOf(dana))).detail).toBe('more than 100 pages');
    expect(lookups()).toBe(100);
  });

  it('gives up to 2000 groups, and nobody a part of more', async () => {
    server.groups = (asked, response) =>
      asked.path.endsWith('next')
        ? json(response, pageOf(1001, 999))
        : json(response, pageOf(999, 0, `${server.url}/v1.0/next`));
    expect(await directory().groupsOf(dana)).toHaveLength(2000);
    server.groups = (_asked, response) => json(response, pageOf(2001));
    expect((await refusal(directory().groupsOf(dana))).code).toBe('access-denied');
  });

  it.each([301, 302, 303, 307, 308])(
    'does not send the access token where a %d leads (security case 19)',
    async (status) => {
      server.groups = (_asked, response) => response.writeHead(status, { location: '/v1.0/elsewhere' }).end();
      const { code, detail } = await refusal(directory().groupsOf(dana));
      expect([code, detail]).toEqual(['issuer-unreachable', `${server.url} answered with a redirect`]);
      expect(lookups()).toBe(1);
    },
  );

  it('names neither the person nor a token when it cannot be reached (security case 15)', async () => {
    const port = await closedPort();
    const { code, all } = await refusal(directory(`http://127.0.0.1:${port}`).groupsOf(dana));
    expect(code).toBe('issuer-unreachable');
    expect(all).toContain('ECONNREFUSED');
    server.groups = (asked, response) => void response.socket?.destroy(new Error(asked.path));
    const cut = await refusal(directory().groupsOf(dana));
    for (const words of [all, cut.all]) expect(words).not.toMatch(/very-secret|token-1|00000000-/);
  });

  it('is not asked without TLS, but on this machine', async () => {
    const http = new DirectoryHttp({ now: () => 0 });
    const { detail } = await refusal(http.ask({ url: new URL('http://192.0.2.1/x') }));
    expect(detail).toBe('http://192.0.2.1 is not https');
  });
});

/** One that nobody listens on any more. */
async function closedPort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return port;
}
