import { describe, expect, it } from 'vitest';
import { DeviceDesk } from '#core/identity/devices/desk.ts';
import { devicesHandler } from '#lambdas/devices/handler.ts';
import { MemoryDevices } from '#test/support/memory-devices.ts';
import { MemoryLeaves } from '#test/support/memory-ports.ts';
import { SoftwareAuthenticator } from '#test/support/software-authenticator.ts';
import { call, NOW, POLICY } from './support.ts';

const needsApproval = { approval: { reviewers: { any: ['reviewers'] }, approvals: 1 } };
const hex = (id: unknown) => Buffer.from(String(id).slice(7), 'base64').toString('hex');

function api(devicesConfig: typeof POLICY.devices = {}, more: Partial<typeof POLICY> = {}) {
  const devices = new MemoryDevices();
  const now = () => NOW;
  const desk = new DeviceDesk({ devices, leaves: new MemoryLeaves(), now });
  const policy = () => ({ ...POLICY, devices: devicesConfig, ...more });
  const handler = devicesHandler({ policy, devices, desk, now, log: () => undefined });
  const post = (token: string, path: string, body: unknown = {}) =>
    call(handler, `/v1/devices${path}`, { token, method: 'POST', body });
  const get = (token: string, query = {}) => call(handler, '/v1/devices', { token, query });
  async function register(token: string, key = new SoftwareAuthenticator()) {
    const { challenge } = (await post(token, '/challenge')).body as { challenge: string };
    const signature = key.sshsig(challenge, 'custody-device');
    return post(token, '', { name: `of ${token}`, publicKey: key.line, challenge, signature });
  }
  return { handler, devices, post, get, register };
}
const names = ({ body }: { body: Record<string, unknown> }) =>
  (body['devices'] as { name: string }[]).map(({ name }) => name).toSorted();

describe('/v1/devices', () => {
  it('registers what somebody holds, shows it and revokes it', async () => {
    const { post, get, register, handler, devices } = api();
    const { status, body } = await register('dana');
    expect([status, body]).toMatchObject([
      201,
      {
        name: 'of dana',
        state: 'registered',
        fido: true,
        attested: false,
        owner: { subject: 'dana' },
        mayApprove: false,
      },
    ]);
    expect(names(await get('dana'))).toEqual(['of dana']);
    const id = hex(body['id']);
    expect((await call(handler, `/v1/devices/${id}`, { token: 'dana' })).body).toEqual(body);
    const revoked = await post('dana', `/${id}/revoke`, { reason: 'lost on a train' });
    expect(revoked.body).toMatchObject({ state: 'revoked', revoked: { reason: 'lost on a train' } });
    expect((await post('dana', `/${id}/revoke`)).body).toEqual(revoked.body);
    expect(await devices.of(String(body['id']))).toBeUndefined();
    expect(names(await get('dana', { state: 'registered' }))).toEqual([]);
  });

  it('security case 14: shows, approves and revokes nothing of others, and says no more than of what is not there', async () => {
    const { post, get, register, handler } = api();
    const id = hex((await register('dana')).body['id']);
    const missing = await call(handler, `/v1/devices/${'0'.repeat(64)}`, { token: 'eve' });
    for (const token of ['eve', 'rui', 'ada'])
      expect(await call(handler, `/v1/devices/${id}`, { token })).toEqual(missing);
    for (const act of ['approve', 'revoke']) expect((await post('eve', `/${id}/${act}`)).status).toBe(404);
    expect(names(await get('eve'))).toEqual([]);
    expect((await get('eve', { person: 'dana' })).status).toBe(403);
    expect(names(await get('adm', { person: 'dana' }))).toEqual(['of dana']);
    expect((await post('adm', `/${id}/revoke`)).body).toMatchObject({
      state: 'revoked',
      revoked: { by: { subject: 'adm' } },
    });
  });

  it('lets reviewers approve what waits, and nobody their own (security case 11)', async () => {
    const { post, get, register, devices } = api(needsApproval);
    const { body } = await register('dana');
    const own = (await register('devrev')).body;
    expect(body).toMatchObject({ state: 'pending', needs: { approvals: 1, any: ['reviewers'] } });
    expect(names(await get('rui', { state: 'pending' }))).toEqual(['of dana', 'of devrev']);
    expect((await post('devrev', `/${hex(own['id'])}/approve`)).status).toBe(403);
    expect((await post('dana', `/${hex(body['id'])}/approve`)).status).toBe(403);
    expect(await devices.of(String(body['id']))).toBeUndefined();
    const approved = await post('rui', `/${hex(body['id'])}/approve`);
    expect(approved.body).toMatchObject({
      state: 'registered',
      approvals: [{ by: { subject: 'rui' }, groups: ['reviewers'] }],
    });
    expect(await devices.of(String(body['id']))).toMatchObject({ owner: { subject: 'dana' } });
  });

  it('security case 3: takes nothing from who acts for somebody, a machine, or who is disabled', async () => {
    const shut = api({}, { disabled: [{ subject: 'dana' }] });
    expect((await shut.post('dana', '/challenge')).status).toBe(403);
    const { post, register } = api();
    const id = hex((await register('dana')).body['id']);
    for (const token of ['agent-7>dana', 'bot']) expect((await post(token, '/challenge')).status).toBe(403);
    expect((await post('agent-7>dana', `/${id}/revoke`)).status).not.toBe(200);
  });

  it.each([
    ['no challenge', { challenge: 'mine' }, 400],
    ['no signature', { signature: 'x' }, 400],
    ['no key', { publicKey: 'ssh-ed25519 AAAA' }, 400],
    ['a key of another kind', { publicKey: 'ssh-dss AAAAB3NzaC1kc3M=' }, 422],
    ['a name that hides something', { name: 'a\u202eb' }, 400],
    ['an attestation that is none', { attestation: '%' }, 400],
  ])('refuses %s', async (_what, wrong, status) => {
    const { post, devices } = api();
    const key = new SoftwareAuthenticator();
    const { challenge } = (await post('dana', '/challenge')).body as { challenge: string };
    const signature = key.sshsig(challenge, 'custody-device');
    const answer = await post('dana', '', { name: 'n', publicKey: key.line, challenge, signature, ...wrong });
    expect([answer.status, devices.items.size]).toEqual([status, 0]);
  });

  it('pages through what one person has, newest first', async () => {
    const { get, register } = api();
    for (let number = 0; number < 5; number += 1) await register('dana');
    const first = await get('dana', { limit: '3' });
    const rest = await get('dana', { limit: '3', cursor: first.body['next'] as string });
    const ids = [first, rest].flatMap(({ body }) =>
      (body['devices'] as { id: string }[]).map(({ id }) => id),
    );
    expect([new Set(ids).size, rest.body['next']]).toEqual([5, undefined]);
  });
});
