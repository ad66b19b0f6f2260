import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook as Receiver } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { demoToken } from '#adapters/local/demo-issuer.ts';
import { custody } from '#test/cli/support.ts';
import { apiAs, connected, granted, reconfigure, type SeenRequest } from '#test/support/access-story.ts';
import { eventually, hasClient, libpqEnvironment, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { startReceiver } from '#test/support/receiver.ts';
import { bytesOf, framesOf, lastSession, sessions, verify } from '#test/support/recorded.ts';

let local: LocalGateway;
let homes: string;
beforeAll(async () => {
  local = await startLocalGateway();
  homes = mkdtempSync(join(tmpdir(), 'custody-access-e2e-'));
});
afterAll(async () => {
  await local?.stop();
  rmSync(homes, { recursive: true, force: true });
});

/** Nobody has a grant that a test before left. */
beforeEach(async () => {
  const { requests } = await apiAs(local, 'developer').get<{ requests: SeenRequest[] }>(
    '/v1/requests?open=true',
  );
  for (const { id, state } of requests) {
    if (state === 'pending' || state === 'granted')
      await apiAs(local, 'developer').post(`/v1/requests/${id}/return`);
  }
});

async function cli(person: Parameters<LocalGateway['token']>[0], ...args: string[]) {
  return custody(args, { env: await local.cliEnvironment(person, join(homes, person)) });
}

/** Sessions whose ending was looked at. */
const seen = new Set<string>();

/** How the session ended, and that its evidence says so and verifies. */
async function ending(reason: string): Promise<string> {
  const session = await eventually(`a session to end: ${reason}`, async () => {
    const ended = (await sessions(local)).find(({ id, outcome }) => outcome !== undefined && !seen.has(id));
    return ended?.outcome?.reason === reason ? ended : undefined;
  });
  seen.add(session.id);
  expect(await verify(local, session.id)).toMatchObject({ verdict: 'verified', findings: [] });
  const close = readFileSync(join(local.dataDir, 'store', 'sessions', session.id, 'close.json'), 'utf8');
  return (JSON.parse(close) as { detail: string }).detail;
}

describe.skipIf(!hasClient('psql'))('the whole story, at the command line', () => {
  it('a developer asks, two reviewers decide, the developer works, the grant runs out, and the session ends', async () => {
    const refused = await cli('developer', 'connect', 'orders-prod', '--', 'psql', '-c', 'select 1');
    expect(refused.stderr).toContain('FATAL:  access to "orders-prod" needs an approval');
    expect(refused.stderr).toContain('HINT:  ask for access: custody request orders-prod --reason');

    const asked = await cli(
      'developer',
      'request',
      'orders-prod',
      '--reason',
      'an order is stuck',
      '--for',
      '6s',
      '--json',
    );
    const { id } = JSON.parse(asked.stdout) as SeenRequest;
    expect((await cli('developer', 'approve', id)).stderr).toContain('you may not decide about this request');
    expect((await cli('reviewer', 'approve', id)).stdout).toMatch(/^state +pending$/m);
    expect((await cli('reviewer', 'approve', id)).stdout).toMatch(/^state +pending$/m);
    expect((await cli('reviewer-2', 'approve', id)).stdout).toMatch(/^state +granted$/m);

    const work = await cli('developer', 'connect', 'orders-prod', '--', 'psql', '-c', 'select pg_sleep(60)');
    expect(work.stderr).toContain('FATAL:  the access that was granted has run out');
    expect(work.code).toBe(2);
    expect(await ending('expired')).toBe('the access that was granted has run out');
    const session = await lastSession(local);
    const open = readFileSync(join(local.dataDir, 'store', 'sessions', session.id, 'open.json'), 'utf8');
    expect(JSON.parse(open)).toMatchObject({ grant: { rule: 'developers-ask', request: id } });

    const audit = await eventually('the ledger to hold it all', async () => {
      const ran = await cli('auditor', 'audit', local.dataDir, '--key', local.addresses.signer, '--json');
      return /"access-granted":[1-9]/.test(ran.stdout) ? ran : undefined;
    });
    expect(audit).toMatchObject({ code: 0, stdout: expect.stringContaining('"access-decided":2') as string });
  });

  it('a client waits for the answer where it is, if the rule says so', async () => {
    await reconfigure(local, (text) => text.replace('# wait: 2m', 'wait: 1m #'));
    const env = {
      ...libpqEnvironment(local, await local.token('developer'), 'orders-prod'),
      PGOPTIONS: '-c custody.reason=an\\ order\\ hangs',
    };
    const waiting = startClient('psql', ['-X', '-Atc', 'select 6 * 7'], env);
    const [request] = await eventually('a request', async () => {
      const { requests } = await apiAs(local, 'reviewer').get<{
        requests: (SeenRequest & { reason: string })[];
      }>('/v1/requests?state=pending');
      return requests.length > 0 ? requests : undefined;
    });
    expect(request!.reason).toBe('an order hangs');
    for (const person of ['reviewer', 'reviewer-2'] as const) {
      await apiAs(local, person).post(`/v1/requests/${request!.id}/decisions`, { decision: 'approved' });
    }
    const { stdout, stderr, code } = await waiting.done;
    expect([stdout, code]).toEqual(['42\n', 0]);
    expect(stderr).toContain(
      `NOTICE:  access to "orders-prod" needs an approval: request ${request!.id} waits`,
    );
    expect(stderr).toContain(`${local.addresses.api}/v1/requests/${request!.id}`);
    const frames = await framesOf(local, (await lastSession(local)).id);
    expect(bytesOf(frames, 'gateway').includes('waits for reviewers')).toBe(true);
  });

  it('a client that waits is told when it is denied, and asks for one request however often it comes', async () => {
    const env = {
      ...libpqEnvironment(local, await local.token('developer'), 'orders-prod'),
      PGOPTIONS: '-c custody.reason=x',
    };
    const clients = [1, 2].map(() => startClient('psql', ['-X', '-c', 'select 1'], env));
    const pending = () =>
      apiAs(local, 'reviewer').get<{ requests: SeenRequest[] }>('/v1/requests?state=pending');
    // Both wait: who came after the decision would ask again.
    await eventually('both to be told', () =>
      clients.every(({ said }) => said().includes('waits for reviewers')) ? true : undefined,
    );
    const { requests } = await pending();
    expect(requests).toHaveLength(1);
    await apiAs(local, 'reviewer').post(`/v1/requests/${requests[0]!.id}/decisions`, { decision: 'denied' });
    for (const { done } of clients)
      expect((await done).stderr).toContain(`the request ${requests[0]!.id} was denied`);
    await reconfigure(local, (text) => text.replace('wait: 1m #', '# wait: 2m'));
  });

  it('a grant for exact commands runs those, in one session (security case 23)', async () => {
    const statements = ["update orders set status = 'held' where id = 1", 'select 40 + 2'];
    const { id } = await granted(local, { statements });
    const grantNow = () =>
      apiAs(local, 'developer').get<{ state: string; grant: { usedBy?: string } }>(`/v1/requests/${id}`);
    const env = libpqEnvironment(local, await local.token('developer'), 'orders-prod');
    const early = await startClient('psql', ['-XAt', '-c', 'begin', '-c', '\\d orders'], env).done;
    expect(early.stderr).toContain('ERROR:  this command does not run');
    expect(await ending('client-closed')).toBeUndefined();
    expect(await grantNow()).toMatchObject({ state: 'granted', grant: {} });

    const more = [
      '-c',
      'select 40 + 3',
      '-c',
      `${statements[0]!};`,
      '-c',
      'select 40 + 2',
      '-c',
      'select 40 + 2',
    ];
    const { stdout, stderr } = await startClient('psql', ['-XAt', ...more], env).done;
    expect(stdout).toBe('UPDATE 1\n42\n');
    expect(stderr).toContain(
      'ERROR:  this command does not run: it is not among the commands that were approved',
    );
    expect(stderr).toContain('ERROR:  this command does not run: it has run as often as was approved');
    expect(await ending('client-closed')).toBeUndefined();
    const session = await lastSession(local);
    const used = await grantNow();
    expect([used.state, used.grant.usedBy]).toEqual(['used', session.id]);
    const frames = await framesOf(local, session.id);
    expect(bytesOf(frames, 'note').toString()).toContain('{"note":"grant-used"}');
    expect(bytesOf(frames, 'target').includes('safe_encoding')).toBe(false);
    const again = await startClient('psql', ['-Xc', 'select 40 + 2'], env).done;
    expect(again.stderr).toContain('needs an approval: the grant was for one session, and is used');
  });

  it('two sessions on one grant: one uses it, the other is refused and ends (security case 23)', async () => {
    await granted(local, { statements: ['select 40 + 2'] });
    const [one, other] = [await connected(local), await connected(local)];
    expect((await one.client.query('select 40 + 2')).rowCount).toBe(1);
    const refused = await other.client.query('select 40 + 2').then(
      () => 'not refused',
      (error: Error) => error.message,
    );
    // Whoever is first: the refusal of the command, or the look at the grant that ends the session.
    expect(refused).toMatch(
      /the grant was for one session, and (?:is used|another one has used it)|connection error/,
    );
    // Where it came while the command ran, it is the command's answer.
    expect([refused, ...(await other.gone).errors].join()).toContain('another one has used it');
    await one.client.end();
    expect(await ending('revoked')).toContain('another one has used it');
  });

  it('a grant for exact commands is not used by a connection that fails, nor by what it may not bring (security case 23)', async () => {
    const { id } = await granted(local, { statements: ['select 1'] });
    const env = {
      ...libpqEnvironment(local, await local.token('developer'), 'orders-prod'),
      PGOPTIONS: '-c search_path=evil',
    };
    const { stderr } = await startClient('psql', ['-Xc', 'select 1'], env).done;
    expect(stderr).toContain('this grant is for exact commands, without the setting "search_path"');
    expect(await apiAs(local, 'developer').get(`/v1/requests/${id}`)).toMatchObject({ state: 'granted' });
    const address = /(orders-prod:[^]*?address: )(127\.0\.0\.1:\d+)/;
    await reconfigure(local, (text) => text.replace(address, '$1127.0.0.1:1 #down $2'));
    const down = await startClient('psql', ['-XAtc', 'select 1'], { ...env, PGOPTIONS: '' }).done;
    expect(down.stderr).toContain('cannot be reached');
    await reconfigure(local, (text) => text.replace('127.0.0.1:1 #down ', ''));
    expect(await apiAs(local, 'developer').get(`/v1/requests/${id}`)).toMatchObject({ state: 'granted' });
    const plain = await startClient('psql', ['-XAtc', 'select 1'], { ...env, PGOPTIONS: '' }).done;
    expect([plain.stdout, plain.code]).toEqual(['1\n', 0]);
  });

  it('what was refused is in no close statement, log or leaf (security case 15)', async () => {
    await granted(local, { statements: ['select 1'] });
    const env = libpqEnvironment(local, await local.token('developer'), 'orders-prod');
    const secret = 'Zitronenfalter';
    await startClient('psql', ['-X', '-c', `alter role app password '${secret}'`, '-c', 'select 1'], env)
      .done;
    expect(await ending('client-closed')).toBeUndefined();
    expect(local.said).not.toContain(secret);
    expect(filesWith(secret, (_, name) => /\.(?:json|sqlite)$/.test(name))).toEqual([]);
  });
});

/** Files of the data folder that hold this text. All are looked at: where one goes meanwhile, again. */
function filesWith(text: string, which: (folder: string, name: string) => boolean): string[] {
  for (;;) {
    try {
      const files = readdirSync(local.dataDir, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && which(entry.parentPath, entry.name))
        .map((entry) => join(entry.parentPath, entry.name));
      expect(files.some((file) => file.endsWith('access.sqlite'))).toBe(true);
      return files.filter((file) => readFileSync(file).includes(text));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

describe('a running session', () => {
  it('ends within 5 s when its grant is revoked, and says so (security case 12)', async () => {
    const { id } = await granted(local);
    const { client, gone } = await connected(local);
    const query = client.query('select pg_sleep(60)').catch((error: Error) => error.message);
    const asked = performance.now();
    await apiAs(local, 'reviewer').post(`/v1/grants/${id}/revocation`, { comment: 'enough' });
    const { at } = await gone;
    expect(at - asked).toBeLessThan(5_000);
    expect(await query).toBe('the access was revoked by a reviewer');
    expect(await ending('revoked')).toBe('the access was revoked by a reviewer');
  });

  it('ends when its requester gives the grant back', async () => {
    const { id } = await granted(local);
    const { gone } = await connected(local);
    await apiAs(local, 'developer').post(`/v1/grants/${id}/return`);
    await gone;
    expect(await ending('revoked')).toBe('the access was given back');
  });

  it('ends when an operator wants it to, and names them in the evidence (security case 13)', async () => {
    const { gone } = await connected(local, 'orders-db');
    const [session] = await sessions(local);
    const own = await apiAs(local, 'developer').call('POST', `/v1/sessions/${session!.id}/termination`, {});
    expect(own.status).toBe(403);
    await apiAs(local, 'reviewer').post(`/v1/sessions/${session!.id}/termination`, { reason: 'runaway' });
    expect((await gone).errors).toContain('an operator ended this session: runaway');
    expect(await ending('terminated')).toBe('ended by rui@example.com: runaway');
  });

  it('ends when its rule leaves the file, and a session by another rule goes on (security case 12)', async () => {
    await granted(local);
    const [by, other] = [await connected(local), await connected(local, 'orders-db')];
    const rule = /  - name: developers-ask\n(?: {4}.*\n)+/;
    const text = readFileSync(local.addresses.config, 'utf8');
    await reconfigure(local, (before) => before.replace(rule, ''));
    await by.gone;
    expect(await ending('revoked')).toContain('the access rule or the target is gone');
    expect((await other.client.query<{ n: number }>('select 1 as n')).rows).toEqual([{ n: 1 }]);
    await reconfigure(local, () => text);
    await other.client.end();
  });

  it('ends when its person is disabled, who then can do nothing (security case 12)', async () => {
    const { gone } = await connected(local, 'orders-db');
    await reconfigure(local, (text) => `${text}\ndisabled: [{ email: Dana@example.com }]\n`);
    expect((await gone).errors).toContain('you may not use this gateway any more');
    expect(await ending('revoked')).toContain('may not use this gateway');
    await expect(connected(local, 'orders-db')).rejects.toThrow('there is no target');
    expect((await apiAs(local, 'developer').get<{ targets: unknown[] }>('/v1/targets')).targets).toEqual([]);
    await reconfigure(local, (text) => text.replace(/\ndisabled: .*\n/, '\n'));
  });

  it('goes on through a file that is refused, which is said where people look', async () => {
    const { client } = await connected(local, 'orders-db');
    const text = readFileSync(local.addresses.config, 'utf8');
    await reconfigure(local, (before) => before.replace('approvals: 2', 'approvals: two'));
    const line = text.slice(0, text.indexOf('approvals: 2')).split('\n').length;
    const problem = `${local.addresses.config}:${line}:18: rules.1.approval.approvals: expected a number`;
    expect(local.said).toContain(problem);
    const state = await apiAs(local, 'admin').get<{ refused: { problem: string } }>('/v1/config');
    expect(state.refused.problem).toBe(problem);
    expect((await apiAs(local, 'developer').call('GET', '/v1/config')).status).toBe(403);
    expect((await client.query<{ n: number }>('select 2 as n')).rows).toEqual([{ n: 2 }]);
    await reconfigure(local, () => `${text}# put right\n`);
    expect(await apiAs(local, 'admin').get('/v1/config')).not.toHaveProperty('refused');
    await client.end();
  });
});

describe('a broken glass', () => {
  it('opens at once, stays open as an item to review, and is never reviewed by who broke it (security case 11)', async () => {
    const body = { target: 'orders-prod', reason: 'production is down', breakGlass: true };
    const { id, state } = await apiAs(local, 'developer').post<SeenRequest>('/v1/requests', body);
    expect(state).toBe('granted');
    const { client } = await connected(local);
    await client.end();
    expect(local.said).toContain(`ALARM: {"kind":"break-glass","request":"${id}"`);
    const open = await apiAs(local, 'reviewer').get<{ requests: { id: string; needsReview: boolean }[] }>(
      '/v1/requests?open=true',
    );
    expect(open.requests).toContainEqual(expect.objectContaining({ id, needsReview: true }));
    const verdict = { verdict: 'justified' };
    expect((await apiAs(local, 'developer').call('POST', `/v1/requests/${id}/review`, verdict)).status).toBe(
      403,
    );
    expect(await apiAs(local, 'reviewer').post(`/v1/requests/${id}/review`, verdict)).toMatchObject({
      needsReview: false,
    });
  });
});

describe('secrets (security case 15)', () => {
  it('of all that was done are in no file of the gateway’s, and in nothing it said', async () => {
    const token = await local.token('developer');
    const env = libpqEnvironment(local, token, 'orders-db');
    await startClient('psql', ['-Xc', 'select 1'], env).done;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ target: 'orders-prod', reason: 'secrets' });
    await fetch(`${local.addresses.api}/v1/requests`, { method: 'POST', headers, body });
    await lastSession(local, seen);
    const secrets = [
      token.split('.')[2]!,
      readFileSync(join(local.dataDir, 'secrets', 'orders-db'), 'utf8').trim(),
    ];
    const isOurs = (folder: string): boolean => !/\/(?:secrets|postgres|oidc)(?:\/|$)/.test(folder);
    for (const secret of secrets) {
      expect(filesWith(secret, isOurs)).toEqual([]);
      expect(local.said).not.toContain(secret);
    }
  });
});

describe('a webhook', () => {
  it('hears of a broken glass at once, signed, and again until it takes it', async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(receiver.received.length === 1 ? 500 : 204).end();
    const secret = `whsec_${Buffer.from('a secret of 24 bytes, or more').toString('base64')}`;
    writeFileSync(join(local.dataDir, 'secrets', 'ops'), secret, { mode: 0o600 });
    const webhook = `{ name: ops, url: "${receiver.url}", secretFile: secrets/ops, events: [break-glass] }`;
    await reconfigure(local, (text) => text.replace('webhooks: []', `webhooks: [${webhook}]`));
    const body = { target: 'orders-prod', reason: 'production is down', breakGlass: true };
    const { id } = await apiAs(local, 'developer').post<SeenRequest>('/v1/requests', body);
    const [first, again] = await eventually('two deliveries', async () =>
      receiver.received.length >= 2 ? receiver.received : undefined,
    );
    const told = new Receiver(secret).verify(again!.body, again!.headers as Record<string, string>);
    expect(told).toMatchObject({
      type: 'break-glass',
      data: { request: id, alarm: true, target: 'orders-prod' },
    });
    expect(again!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
    await reconfigure(local, (text) => text.replace(`webhooks: [${webhook}]`, 'webhooks: []'));
    await receiver.close();
  });
});

describe.skipIf(!hasClient('psql'))(
  'a token that is bound to a device (RFC 8705; security cases 2, 3)',
  () => {
    const keys = mkdtempSync(join(tmpdir(), 'custody-device-'));
    afterAll(() => rmSync(keys, { recursive: true, force: true }));

    function device(name: string): { cert: string; key: string; thumbprint: string } {
      const [cert, key] = [join(keys, `${name}.pem`), join(keys, `${name}.key`)];
      const make = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        `/CN=${name}`,
      ];
      execFileSync('openssl', [...make, '-keyout', key, '-out', cert, '-days', '2'], { stdio: 'ignore' });
      const { raw } = new X509Certificate(readFileSync(cert));
      return { cert, key, thumbprint: createHash('sha256').update(raw).digest('base64url') };
    }

    async function psqlWith(token: string, shown?: { cert: string; key: string }, options = '') {
      const certificate = shown === undefined ? {} : { PGSSLCERT: shown.cert, PGSSLKEY: shown.key };
      const env = { ...libpqEnvironment(local, token), HOME: keys, PGOPTIONS: options, ...certificate };
      return startClient('psql', ['-XAtc', 'select 1'], env).done;
    }

    it('is good with the device alone, on every way in, and a rule may ask for one', async () => {
      const [mine, other] = [device('mine'), device('other')];
      const bound = await demoToken(local.dataDir, 'developer', Date.now(), {
        cnf: { 'x5t#S256': mine.thumbprint },
      });
      const free = await local.token('developer');
      expect((await psqlWith(bound, mine)).stdout).toBe('1\n');
      for (const shown of [undefined, other]) {
        expect((await psqlWith(bound, shown)).stderr).toContain('the token is not valid here');
      }
      const headers = { authorization: `Bearer ${bound}` };
      expect((await fetch(`${local.addresses.api}/v1/targets`, { headers })).status).toBe(401);

      await reconfigure(local, (text) =>
        text.replace('    allow: [connect]\n', '    allow: [connect]\n    when: { device: bound }\n'),
      );
      expect((await psqlWith(free, mine)).stderr).toContain('the token is not bound to a device as it wants');
      expect((await psqlWith(bound, mine)).stdout).toBe('1\n');
      await reconfigure(local, (text) => text.replace('    when: { device: bound }\n', ''));
      expect((await psqlWith(free)).stdout).toBe('1\n');
    });
  },
);
