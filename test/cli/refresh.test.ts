import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeSigner, pem } from '#test/support/evidence-builder.ts';
import { makeKey, signToken } from '#test/support/issuer.ts';
import { fakeApi, startCustody, temporary } from './support.ts';

type Answer = (response: ServerResponse, form: URLSearchParams) => void;

const json = (status: number, body: object): Answer => {
  return (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const nowS = (): number => Math.floor(Date.now() / 1000);

interface Stand {
  readonly issuer: string;
  /** What the token endpoint was sent. */
  readonly sent: URLSearchParams[];
  /** Its next answers. */
  readonly answers: Answer[];
  token(claims: object): Promise<string>;
  stored(): { token: string; refreshToken?: string };
  start(): ReturnType<typeof startCustody>;
  targets(): ReturnType<typeof startCustody>['ended'];
}

/** Somebody who logged in at an issuer whose token endpoint answers as it is told to. */
async function stand(exp = 1): Promise<Stand> {
  const [sent, answers]: [URLSearchParams[], Answer[]] = [[], []];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const form = new URLSearchParams(body);
      const known = json(200, { issuer, token_endpoint: `${issuer}/token` });
      if (request.url !== '/token') return known(response, form);
      sent.push(form);
      return answers.shift()!(response, form);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = await fakeApi(pem(makeSigner()).toString());
  api.answers.set('/v1/targets', { targets: [] });
  const CUSTODY_HOME = join(temporary(), 'home');
  const key = await makeKey('k', 'RS256');
  const token = (claims: object): Promise<string> => signToken({ url: issuer }, key, { aud: 'c', ...claims });
  const file = join(CUSTODY_HOME, 'tokens.json');
  const login = { kind: 'person', api: `${api.url}/`, issuer, clientId: 'c', clientSecret: 'not-secret' };
  const tokens = { tokenKind: 'id', token: await token({ exp }), refreshToken: 'r1' };
  mkdirSync(CUSTODY_HOME, { mode: 0o700 });
  writeFileSync(file, JSON.stringify({ logins: [{ ...login, ...tokens }] }), { mode: 0o600 });
  const start = () => startCustody(['targets'], { env: { CUSTODY_HOME, CUSTODY_API: api.url } });
  return {
    issuer,
    sent,
    answers,
    token,
    stored: () => (JSON.parse(readFileSync(file, 'utf8')) as { logins: [{ token: string }] }).logins[0],
    start,
    targets: () => start().ended,
  };
}

const access = { access_token: 'a', token_type: 'bearer', expires_in: 3600 };

describe('a refresh', () => {
  test('keeps the next refresh token, and tells the issuer what its client has', async () => {
    const here = await stand();
    const fresh = await here.token({});
    here.answers.push(json(200, { ...access, id_token: fresh, refresh_token: 'r2' }));
    expect(await here.targets()).toMatchObject({ code: 0 });
    expect(here.stored()).toMatchObject({ token: fresh, refreshToken: 'r2' });
    expect(Object.fromEntries(here.sent[0]!)).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'r1',
      client_secret: 'not-secret',
    });
  });

  test('without a new refresh token keeps the one it has', async () => {
    const here = await stand();
    here.answers.push(json(200, { ...access, id_token: await here.token({}) }));
    expect(await here.targets()).toMatchObject({ code: 0 });
    expect(here.stored().refreshToken).toBe('r1');
  });

  test('whose answer has no ID token is said so, and the next refresh token is not lost', async () => {
    const here = await stand();
    here.answers.push(json(200, { ...access, refresh_token: 'r2' }));
    const ran = await here.targets();
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('gave no ID token when it was refreshed\nhint: run custody login');
    expect(here.stored().refreshToken).toBe('r2');
  });

  test('without an ID token lets the old one serve to its end', async () => {
    const here = await stand(nowS() + 50);
    here.answers.push(json(200, { ...access, refresh_token: 'r2' }));
    expect(await here.targets()).toMatchObject({ code: 0 });
    expect(here.stored().refreshToken).toBe('r2');
  });

  test.each([[{ sub: 'mallory' }], [{ iss: 'https://evil.example' }]])(
    'that brings %j is not taken',
    async (claims) => {
      const here = await stand();
      const before = here.stored().token;
      here.answers.push(json(200, { ...access, id_token: await here.token(claims), refresh_token: 'r2' }));
      expect(await here.targets()).toMatchObject({ code: 1, stdout: '' });
      expect(here.stored().token).toBe(before);
    },
  );

  test('whose answer was lost is tried once more, and then asks for a login, once and for all', async () => {
    const here = await stand();
    here.answers.push(
      (response) => response.destroy(),
      json(400, { error: 'invalid_grant', error_description: 'reuse detected' }),
    );
    const lost = await here.targets();
    expect(lost.stderr).toMatch(/your login has expired and cannot be refreshed: the connection was cut/);
    const refused = await here.targets();
    expect(refused.stderr).toMatch(/your login is over: .*\(reuse detected\)\nhint: run custody login/);
    expect(await here.targets()).toMatchObject({ code: 1 });
    expect(here.sent.map((form) => form.get('refresh_token'))).toEqual(['r1', 'r1']);
  });

  test('that is killed leaves nothing that the next one waits for', async () => {
    const here = await stand();
    const asked = Promise.withResolvers<void>();
    here.answers.push(() => asked.resolve(), json(200, { ...access, id_token: await here.token({}) }));
    const { child, ended } = here.start();
    await asked.promise;
    child.kill('SIGKILL');
    await ended;
    expect(await here.targets()).toMatchObject({ code: 0 });
  });

  test('by five at once sends no refresh token twice', async () => {
    const here = await stand();
    const [fresh, known] = [await here.token({}), { refresh: 'r1' }];
    const rotate: Answer = (response, form) => {
      if (form.get('refresh_token') !== known.refresh)
        return json(400, { error: 'invalid_grant' })(response, form);
      known.refresh += '+';
      return json(200, { ...access, id_token: fresh, refresh_token: known.refresh })(response, form);
    };
    here.answers.push(rotate, rotate, rotate, rotate, rotate);
    const all = await Promise.all(Array.from({ length: 5 }, () => here.targets()));
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(here.sent).toHaveLength(1);
  });
});
