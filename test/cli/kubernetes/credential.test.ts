import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { askedFor } from '#cli/kubernetes/exec-credential.ts';
import { CUSTODY, custody, idToken, startCustody, temporary } from '../support.ts';
import { asked, asking, clusterApi, granted, ID, PROD, request } from './support.ts';

const ARGS = ['kubernetes-credential', '--target', 'prod'];

interface ExecCredential {
  readonly apiVersion: string;
  readonly kind: string;
  readonly status: {
    readonly token: string;
    readonly expirationTimestamp: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
  };
}

const info = (version: string, spec: object = { interactive: false }) =>
  JSON.stringify({ kind: 'ExecCredential', apiVersion: `client.authentication.k8s.io/${version}`, spec });

async function credential(env: Record<string, string>): Promise<ExecCredential> {
  const ran = await custody(ARGS, { env });
  expect(ran).toMatchObject({ code: 0 });
  return JSON.parse(ran.stdout) as ExecCredential;
}

describe('the credential of kubectl', () => {
  test('is the token, with its end a little earlier', async () => {
    const { env } = await clusterApi();
    const exp = Math.floor(Date.now() / 1000) + 600;
    const token = idToken({ exp });
    expect(await credential({ ...env, CUSTODY_TOKEN: token, KUBERNETES_EXEC_INFO: info('v1') })).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token, expirationTimestamp: new Date((exp - 30) * 1000).toISOString().replace('.000Z', 'Z') },
    });
  });

  test('comes in the version that it is asked for in; clients that say nothing take v1', async () => {
    const { env } = await clusterApi();
    const old = await credential({ ...env, KUBERNETES_EXEC_INFO: info('v1beta1', {}) });
    expect(old.apiVersion).toBe('client.authentication.k8s.io/v1beta1');
    expect((await credential(env)).apiVersion).toBe('client.authentication.k8s.io/v1');
  });

  test('has the certificate of the device that has a key', async () => {
    const { env } = await clusterApi();
    const key = join(temporary(), 'id');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    await custody(['ssh-login', '--key', key], { env });
    const { clientCertificateData: cert, clientKeyData: secret } = (await credential(env)).status;
    expect(new X509Certificate(cert!).subject).toBe('CN=Custody device');
    expect(secret).toContain('PRIVATE KEY');
  });

  test('is looked up at the API once a minute, for one person', async () => {
    const { api, env } = await clusterApi();
    await credential(env);
    const before = api.requests.length;
    await credential(env);
    expect(api.requests).toHaveLength(before);
    await custody(['kubernetes-credential', '--target', 'other'], { env });
    expect(api.requests.length).toBeGreaterThan(before);
  });

  test.each([
    ['a person who has not logged in', { CUSTODY_TOKEN: '' }, 'you are not logged in', 'custody login'],
    ['a token that has ended', { CUSTODY_TOKEN: idToken({ exp: 1 }) }, 'has expired', 'CUSTODY_TOKEN'],
    ['a version that nobody knows', { KUBERNETES_EXEC_INFO: info('v1alpha1') }, 'v1alpha1', '--exec-api'],
    ['words that are none of a client', { KUBERNETES_EXEC_INFO: '{' }, 'KUBERNETES_EXEC_INFO', 'unset it'],
  ])('is refused for %s, with what to do', async (_, more, words, hint) => {
    const { env } = await clusterApi();
    const ran = await custody(ARGS, { env: { ...env, ...more } });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain(words);
    expect(ran.stderr).toMatch(new RegExp(`hint: .*${hint}`));
  });

  test.each([
    ['no cluster', { ...PROD, protocol: 'postgres', database: 'x' }, 'prod is no cluster'],
    ['another name', { ...PROD, name: 'dev' }, 'there is no target prod'],
    ['reached by tasks alone', { ...PROD, access: 'task' }, 'only as a task of a run'],
    ['asked for with the very calls', asking({ statements: 'exact' }), 'custody request prod --file'],
    ['for emergencies', asking({ breakGlass: true }), '--break-glass'],
  ])('is refused for a target that is %s', async (_, target, words) => {
    const { api, env } = await clusterApi(target);
    const ran = await custody(ARGS, { env: { ...env, CUSTODY_REASON: 'a bug' } });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain(words);
    expect(asked(api, 'POST', '/')).toHaveLength(0);
  });

  test('as a task of a run is for the gateway to decide', async () => {
    const { env } = await clusterApi({ ...PROD, access: 'task' });
    const ran = await custody([...ARGS, '--run', ID, '--task', 'find'], { env });
    expect(ran.code).toBe(0);
  });
});

describe('a cluster that has to be asked for', () => {
  test('is refused where nobody says why, with how to', async () => {
    const { api, env } = await clusterApi(asking());
    const ran = await custody(ARGS, { env: { ...env, KUBERNETES_EXEC_INFO: info('v1') } });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("hint: CUSTODY_REASON='…' kubectl");
    expect(asked(api, 'POST', '/')).toHaveLength(0);
  });

  test('is asked for with CUSTODY_REASON; it says who decides, and waits until it is granted', async () => {
    const { api, env } = await clusterApi(asking());
    api.answers.set('POST /v1/requests', request());
    api.expiring.set(`/v1/requests/${ID}`, request());
    api.answers.set(`/v1/requests/${ID}`, granted);
    const ran = await custody(ARGS, { env: { ...env, CUSTODY_REASON: 'a bug', CUSTODY_TICKET: 'OPS-7' } });
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('prod needs 2 approvals by reviewers');
    expect(ran.stderr).toContain(`custody approve ${ID}`);
    expect(asked(api, 'POST', '/v1/requests').map(({ body }) => body)).toEqual([
      { target: 'prod', reason: 'a bug', ticket: 'OPS-7' },
    ]);
    expect(asked(api, 'GET', `/v1/requests/${ID}`)).toHaveLength(2);
    expect((JSON.parse(ran.stdout) as ExecCredential).status.token).toBe(env.CUSTODY_TOKEN);
  });

  test('is waited for where it was asked for already, by the same person', async () => {
    const { api, env } = await clusterApi(asking());
    const others = [
      request({
        id: '01890a5d-ac96-774b-bcce-b302099a8058',
        requester: { issuer: 'http://127.0.0.1:7401', subject: 'x' },
      }),
      request({ id: '01890a5d-ac96-774b-bcce-b302099a8059', statements: [{ sha256: 'x', text: 'y' }] }),
    ];
    api.answers.set('/v1/requests', { requests: [...others, request()] });
    api.answers.set(`/v1/requests/${ID}`, granted);
    expect((await custody(ARGS, { env })).code).toBe(0);
    expect(asked(api, 'POST', '/')).toHaveLength(0);
  });

  test('that is denied is no credential, and says who said no, and why', async () => {
    const { api, env } = await clusterApi(asking());
    const by = { issuer: 'i', subject: 's', email: 'rui@example.com' };
    const denial = { decision: 'denied', by, at: '2026-11-29T10:01:00.000Z', comment: 'not today' };
    api.answers.set('POST /v1/requests', request({ state: 'denied', decisions: [denial] }));
    api.answers.set(`/v1/requests/${ID}`, request({ state: 'denied', decisions: [denial] }));
    const ran = await custody(ARGS, { env: { ...env, CUSTODY_REASON: 'a bug' } });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('denied by rui@example.com: not today');
  });

  test('is waited for no longer than by whoever wants it', async () => {
    const { api, env } = await clusterApi(asking());
    api.answers.set('POST /v1/requests', request());
    api.answers.set(`/v1/requests/${ID}`, request());
    // What started it ends as soon as it waits, and it is nobody's child any more.
    const shell = spawn(
      'sh',
      ['-c', '"$@" 2>&1 >/dev/null & read line', 'sh', process.execPath, CUSTODY, ...ARGS],
      {
        env: { PATH: process.env['PATH'], HOME: temporary(), ...env, CUSTODY_REASON: 'a bug' },
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    let seen = '';
    shell.stdout.setEncoding('utf8').on('data', (piece: string) => {
      seen += piece;
      if (seen.includes('Ctrl-C')) shell.stdin.end('go\n');
    });
    await once(shell.stdout, 'end');
    expect(seen).toContain('the program that wanted the credential has gone');
  });

  test('ends with Ctrl-C', async () => {
    const { api, env } = await clusterApi(asking());
    api.answers.set('POST /v1/requests', request());
    api.answers.set(`/v1/requests/${ID}`, request());
    const { child, output, ended } = startCustody(ARGS, { env: { ...env, CUSTODY_REASON: 'a bug' } });
    while (!output.stderr.includes('Ctrl-C')) await once(child.stderr, 'data');
    child.kill('SIGINT');
    expect((await ended).stdout).toBe('');
  });

  test('asks a person at a terminal why', async () => {
    const { api, env } = await clusterApi(asking());
    api.answers.set('POST /v1/requests', request());
    api.answers.set(`/v1/requests/${ID}`, granted);
    const command = [process.execPath, CUSTODY, ...ARGS].join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: {
        PATH: process.env['PATH'],
        HOME: temporary(),
        ...env,
        KUBERNETES_EXEC_INFO: info('v1', { interactive: true }),
      },
    });
    let seen = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (seen += piece));
    while (!seen.includes('reason: ')) await once(child.stdout, 'data');
    child.stdin.write('the shop is down\n');
    await once(child, 'close');
    expect(asked(api, 'POST', '/v1/requests').map(({ body }) => body)).toEqual([
      { target: 'prod', reason: 'the shop is down' },
    ]);
    expect(seen).toContain('"kind":"ExecCredential"');
  });
});

describe('what a client says of itself', () => {
  test.each([
    ['', { version: 'v1', interactive: undefined }],
    [info('v1', { interactive: true }), { version: 'v1', interactive: true }],
    [info('v1beta1', { interactive: 'yes' }), { version: 'v1beta1', interactive: undefined }],
    ['{"apiVersion":"client.authentication.k8s.io/v1"}', { version: 'v1', interactive: undefined }],
  ])('%s', (said, known) => {
    expect(askedFor(said)).toEqual(known);
  });

  test.each(['[]', '{}', 'null', '{"apiVersion":1}', `{"a":"${'x'.repeat(1 << 20)}"}`, '['.repeat(5000)])(
    'is refused where it is nothing of the kind',
    (said) => {
      expect(() => askedFor(said)).toThrow('KUBERNETES_EXEC_INFO is not what');
    },
  );
});
