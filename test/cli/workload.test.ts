import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { UnsecuredJWT } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { apiOf } from './login-support.ts';
import { custody, type FakeApi, temporary } from './support.ts';

const GITHUB = 'https://token.actions.githubusercontent.com';
const AWS = 'https://abc.tokens.sts.global.api.aws';
const CLUSTER = 'https://oidc.cluster.example';

const CONFIG = parseConfig(
  `version: 1
identity:
  - { name: people, issuer: "https://id.example", audience: custody }
  - { name: github, kind: workload, issuer: "${GITHUB}", audience: custody, match: { repository_owner: acme } }
  - { name: cluster, kind: workload, issuer: "${CLUSTER}", audience: [custody-k8s], match: { sub: "**" } }
  - { name: aws, kind: workload, issuer: "${AWS}", audience: custody-aws, match: { sub: "**" } }
targets: {}
`,
  'custody.yaml',
);

function token(claims: object): string {
  const exp = Math.floor(Date.now() / 1000) + 300;
  return new UnsecuredJWT({
    iss: GITHUB,
    sub: 'repo:acme/shop:ref:refs/heads/main',
    exp,
    ...claims,
  }).encode();
}

type Respond = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function serve(respond: Respond): Promise<string> {
  const server = createServer((request, response) => {
    void text(request).then((body) => respond(request, response, body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Stand {
  readonly api: FakeApi;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): ReturnType<typeof custody>;
  /** The tokens that the API has seen. */
  seen(): string[];
  home(): string;
}

async function stand(): Promise<Stand> {
  const api = await apiOf(CONFIG);
  const home = join(temporary(), 'home');
  const base = { CUSTODY_HOME: home, CUSTODY_API: api.url };
  return {
    api,
    run: (args, env = {}) => custody(args, { env: { ...base, ...env } }),
    seen: () =>
      api.requests.flatMap(({ authorization }) =>
        authorization === undefined ? [] : [authorization.slice(7)],
      ),
    home: () => readFileSync(join(home, 'tokens.json'), 'utf8'),
  };
}

describe('a job of GitHub Actions', () => {
  /** As GitHub's: a bearer token of the job, and the audience in the query beside what is there. */
  const actions = async (made: string[]) => {
    const url = await serve(({ url: asked, headers }, response) => {
      const { searchParams } = new URL(asked!, 'http://127.0.0.1');
      if (headers.authorization !== 'Bearer job-secret' || searchParams.get('api-version') !== '2.0')
        return response.writeHead(401).end('{}');
      const value = token({ aud: searchParams.get('audience')!, jti: made.length });
      made.push(value);
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ value }));
    });
    return {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'job-secret',
    };
  };

  test('gets a token for each use, and leaves none behind', async () => {
    const [here, made]: [Stand, string[]] = [await stand(), []];
    const env = await actions(made);
    expect(await here.run(['login', '--workload'], env)).toMatchObject({ code: 0 });
    expect(here.home()).not.toMatch(/eyJ|job-secret/);
    expect(await here.run(['targets'], env)).toMatchObject({ code: 0, stderr: '' });
    expect(await here.run(['targets'], env)).toMatchObject({ code: 0, stderr: '' });
    expect(here.seen()).toEqual(made.slice(-2));
    expect(new Set(made).size).toBe(made.length);
  });

  test('that may not have one hears of the permission', async () => {
    const here = await stand();
    const none = await here.run(['login', '--workload', 'github']);
    expect(none.stderr).toContain('this is no job of GitHub Actions, or one that may not have one');
    expect(none.stderr).toContain('hint: permissions: { id-token: write } lets a job;');
    const env = { ...(await actions([])), ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'other' };
    const refused = await here.run(['login', '--workload'], env);
    expect(refused.stderr).toContain('GitHub Actions answered with status 401');
  });

  test('sends nothing over a network in the clear', async () => {
    const env = {
      ACTIONS_ID_TOKEN_REQUEST_URL: 'http://runner.example/',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 's',
    };
    const ran = await (await stand()).run(['login', '--workload'], env);
    expect(ran.stderr).toContain('ACTIONS_ID_TOKEN_REQUEST_URL http://runner.example/ cannot be used');
  });
});

describe('a token in a file', () => {
  test('is read anew each time, also behind the links of a projected volume', async () => {
    const [here, folder] = [await stand(), temporary()];
    const write = (name: string, value: string): void => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'token'), `${value}\n`);
      symlinkSync(name, join(folder, '..new'));
      renameSync(join(folder, '..new'), join(folder, '..data'));
    };
    const claims = { iss: CLUSTER, aud: ['custody-k8s'], sub: 'system:serviceaccount:shop:deploy' };
    const [first, second] = [token({ ...claims, jti: 1 }), token({ ...claims, jti: 2 })];
    write('..1', first);
    const path = join(folder, '..data', 'token');
    expect(await here.run(['login', '--token-file', path])).toMatchObject({ code: 0 });
    await here.run(['targets']);
    write('..2', second);
    await here.run(['targets']);
    expect(here.seen()).toEqual([first, second]);
    rmSync(join(folder, '..data'));
    expect((await here.run(['targets'])).stderr).toMatch(/cannot be read \(ENOENT\)/);
  });

  test.each([
    ['for the API of Kubernetes', { iss: CLUSTER, aud: ['https://kubernetes.default.svc'] }],
    ['of another issuer', { iss: 'https://evil.example', aud: ['custody-k8s'] }],
    ['of one issuer for the audience of another', { iss: CLUSTER, aud: 'custody-aws' }],
  ])('%s never leaves this machine', async (_, claims) => {
    const [here, path] = [await stand(), join(temporary(), 'token')];
    writeFileSync(path, token(claims));
    const ran = await here.run(['login', '--token-file', path]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/and was not sent: the gateway takes .* for custody-k8s/);
    expect(here.seen()).toEqual([]);
  });

  test('that CUSTODY_TOKEN_FILE names needs no login', async () => {
    const [here, path] = [await stand(), join(temporary(), 'token')];
    const good = token({ aud: 'custody' });
    writeFileSync(path, good);
    expect(await here.run(['targets'], { CUSTODY_TOKEN_FILE: path })).toMatchObject({ code: 0 });
    expect(here.seen()).toEqual([good]);
    writeFileSync(path, token({ exp: 1 }));
    const ran = await here.run(['targets'], { CUSTODY_TOKEN_FILE: path });
    expect(ran.stderr).toContain(`the token in ${path} has expired`);
  });

  test.each([
    ['no token', 'hello', 'is not a JWT'],
    ['nothing', '', 'is not a JWT'],
    ['more than a token can be', 'x'.repeat(70_000), 'has more than the 65536 bytes'],
  ])('that holds %s', async (_, content, words) => {
    const path = join(temporary(), 'token');
    writeFileSync(path, content);
    expect((await (await stand()).run(['login', '--token-file', path])).stderr).toContain(words);
  });
});

test('a job of GitLab has its token in a variable', async () => {
  const here = await stand();
  const env = { CUSTODY_ID_TOKEN: token({ aud: 'custody' }) };
  expect(await here.run(['login', '--workload'], env)).toMatchObject({ code: 0 });
  await here.run(['targets'], env);
  expect(here.seen()).toEqual([env.CUSTODY_ID_TOKEN]);
  const ended = await here.run(['targets'], { CUSTODY_ID_TOKEN: token({ aud: 'custody', exp: 1 }) });
  expect(ended.stderr).toContain('the token in gitlab has expired');
  expect((await here.run(['targets'])).stderr).toContain(
    'CUSTODY_ID_TOKEN is not set\nhint: in .gitlab-ci.yml',
  );
});

describe('a role in AWS', () => {
  const awsEnv = (url: string) => ({
    AWS_ENDPOINT_URL_STS: url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });

  test('gets a token of STS for the audience of its issuer', async () => {
    const asked: URLSearchParams[] = [];
    const url = await serve(({ headers }, response, body) => {
      const form = new URLSearchParams(body);
      asked.push(form);
      if (!headers.authorization!.includes('Credential=AKIDEXAMPLE/')) return response.writeHead(403).end();
      const value = token({
        iss: AWS,
        sub: 'arn:aws:iam::1:role/deploy',
        aud: form.get('Audience.member.1')!,
      });
      return response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end(`<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>
<WebIdentityToken>${value}</WebIdentityToken><Expiration>2026-11-29T01:00:00Z</Expiration>
</GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`);
    });
    const here = await stand();
    const env = awsEnv(url);
    expect(await here.run(['login', '--workload', 'aws'], env)).toMatchObject({ code: 0 });
    expect(await here.run(['targets'], env)).toMatchObject({ code: 0, stderr: '' });
    expect(here.seen()).toHaveLength(1);
    expect(Object.fromEntries(asked.at(-1)!)).toMatchObject({
      Action: 'GetWebIdentityToken',
      'Audience.member.1': 'custody-aws',
      SigningAlgorithm: 'ES384',
      DurationSeconds: '900',
    });
  });

  test.each([
    ['AccessDenied', 403, 'the role needs sts:GetWebIdentityToken'],
    ['OutboundWebIdentityFederationDisabled', 400, 'an administrator turns it on once'],
  ])('that is refused by %s hears why', async (code, status, hint) => {
    const url = await serve((_request, response) =>
      response
        .writeHead(status, { 'content-type': 'text/xml' })
        .end(
          `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`,
        ),
    );
    const ran = await (await stand()).run(['login', '--workload', 'aws'], awsEnv(url));
    expect(ran.stderr).toContain('AWS gives no token: no');
    expect(ran.stderr).toContain(hint);
  });
});

test('a machine of which nothing is known is asked what it is', async () => {
  const ran = await (await stand()).run(['login', '--workload']);
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain('custody login --workload github|gitlab|aws|file, or --token-file PATH');
});
