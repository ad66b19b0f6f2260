import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CustodyError, type ErrorCode } from '#core/errors.ts';
import { serveHealth } from '#proxy/health.ts';
import { ownRevision } from '#proxy/revision.ts';
import { Tally } from '#proxy/tally.ts';
import { TaskProtection } from '#proxy/task-protection.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

describe('the health check', () => {
  it('says whether new sessions may come, and nothing else', async () => {
    let open = true;
    const server = await serveHealth(0, () => open);
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const status = async (path: string, method = 'GET') => (await fetch(url + path, { method })).status;
    expect(await status('/healthz')).toBe(200);
    open = false;
    expect(await status('/healthz')).toBe(503);
    expect([await status('/'), await status('/healthz', 'POST')]).toEqual([404, 404]);
  });
});

describe('the protection of a task with sessions', () => {
  async function stand(answer: () => { status: number; body: string } = () => ({ status: 200, body: '{}' })) {
    const asked: string[] = [];
    const troubles: CustodyError[] = [];
    const agent = createServer((request, response) => {
      request
        .setEncoding('utf8')
        .on('data', (body: string) => asked.push(`${request.method} ${request.url} ${body}`));
      request.on('end', () => {
        const { status, body } = answer();
        response.writeHead(status).end(body);
      });
    });
    await new Promise<void>((ready) => agent.listen(0, '127.0.0.1', ready));
    onTestFinished(() => void agent.close());
    const state = { sessions: 0, now: 0 };
    const protection = new TaskProtection({
      agent: `http://127.0.0.1:${(agent.address() as AddressInfo).port}/agent`,
      sessions: () => state.sessions,
      monotonic: () => state.now,
      onTrouble: (error) => troubles.push(error),
    });
    return { asked, troubles, state, tick: () => protection.tick() };
  }
  const on = 'PUT /agent/task-protection/v1/state {"ProtectionEnabled":true,"ExpiresInMinutes":60}';
  const off = 'PUT /agent/task-protection/v1/state {"ProtectionEnabled":false}';

  it('is asked for with the first session, renewed, and given up after the last', async () => {
    const { asked, state, tick } = await stand();
    await tick();
    expect(asked).toEqual([]);
    state.sessions = 1;
    await tick();
    await tick();
    expect(asked).toEqual([on]);
    state.now += 15 * 60_000;
    await tick();
    expect(asked).toEqual([on, on]);
    state.sessions = 0;
    await tick();
    await tick();
    expect(asked).toEqual([on, on, off]);
  });

  it.each([
    [500, 'no'],
    [200, '{"failure":{"Reason":"DEPLOYMENT_BLOCKED"}}'],
  ])('is asked for again when the agent answers %i %s', async (status, body) => {
    const { asked, troubles, state, tick } = await stand(() => ({ status, body }));
    state.sessions = 1;
    await tick();
    await tick();
    expect(asked).toEqual([on, on]);
    expect(troubles[0]?.message).toContain('a deployment may cut its sessions');
  });
});

describe('the revision of a task', () => {
  it.each([
    ['{"Revision":"7","Family":"custody"}', 7],
    ['{"Revision":"latest"}', undefined],
    ['{}', undefined],
  ])('%s is %s', async (said, revision) => {
    const metadata = createServer(
      (request, response) => void response.end(request.url === '/v4/x/task' ? said : '{}'),
    );
    await new Promise<void>((ready) => metadata.listen(0, '127.0.0.1', ready));
    onTestFinished(() => void metadata.close());
    const { port } = metadata.address() as AddressInfo;
    expect(await ownRevision(`http://127.0.0.1:${port}/v4/x`)).toBe(revision);
  });

  it('is not unknown for good because ECS has a bad day', async () => {
    const metadata = createServer((_, response) => void response.writeHead(500).end('{}'));
    await new Promise<void>((ready) => metadata.listen(0, '127.0.0.1', ready));
    onTestFinished(() => void metadata.close());
    const { port } = metadata.address() as AddressInfo;
    await expect(ownRevision(`http://127.0.0.1:${port}/v4/x`)).rejects.toThrow('answered 500');
  });
});

describe('what a task tells CloudWatch', () => {
  it('holds what it has counted when it ends: a task whose recorder died ends at once', () => {
    const script = `
      import { keepUp } from '#proxy/upkeep.ts';
      import { Tally } from '#proxy/tally.ts';
      const tally = new Tally();
      const log = () => undefined;
      const task = { sessions: () => 3, draining: () => false, journalLagMs: () => 0, certificateEnds: () => new Date(Date.now() + 20.5 * 86_400_000), tally, log };
      await keepUp({ healthPort: 0, agent: undefined, metadata: undefined, tellRevision: undefined }, task);
      tally.alarm();
      process.exit(1);`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, POWERTOOLS_METRICS_NAMESPACE: 'Custody/Custody/Gateway' },
    });
    expect(JSON.parse(stdout)).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Namespace: 'Custody/Custody/Gateway' }] },
      ...{ service: 'proxy', BreakGlass: 1, ActiveSessions: 3, CertificateDaysLeft: 20 },
    });
  });
});

describe('the tally', () => {
  it('counts what the log says, once', () => {
    const said: string[] = [];
    const tally = new Tally();
    const log = tally.counting((event) => said.push(event));
    const of = (code: ErrorCode): CustodyError => new CustodyError(code, 'x');
    log('session-error', of('token-invalid'));
    log('session-error', of('recording-failed'));
    log('seal-failed', of('internal'));
    log('session-error', of('access-denied'));
    log('listening');
    log('directory-failed', of('issuer-unreachable'));
    log('issuer-away', of('issuer-unreachable'));
    tally.alarm();
    expect(tally.take()).toEqual({
      ...{ RefusedTokens: 1, RefusedPeers: 0, RecorderFailures: 2, BreakGlass: 1 },
      ...{ DirectoryFailures: 1, IssuersAway: 1 },
    });
    expect(Object.values(tally.take())).toEqual([0, 0, 0, 0, 0, 0]);
    expect(said).toHaveLength(7);
  });

  it('takes a session that ended because of its recorder for a failure, though it was sealed', () => {
    const tally = new Tally();
    const log = tally.counting(() => undefined);
    log('session-closed', undefined, { session: 's', reason: 'recording-failed' });
    log('session-closed', undefined, { session: 's', reason: 'client-closed' });
    expect(tally.take().RecorderFailures).toBe(1);
  });

  it.each(['watch-failed', 'config-refused', 'cancel-failed', 'revision-unknown', 'certificate-refused'])(
    'takes %s for what it is: no recording failed',
    (event) => {
      const tally = new Tally();
      tally.counting(() => undefined)(event, new CustodyError('store-unavailable', 'x'));
      expect(tally.take().RecorderFailures).toBe(0);
    },
  );
});
