import { describe, expect, it } from 'vitest';
import { accessHandler } from '#lambdas/access/handler.ts';
import { explanationHandler } from '#lambdas/explanation/handler.ts';
import { call, type World, world } from './support.ts';

const explained = async (ports: World, token: string, query: Record<string, string>) =>
  call(explanationHandler(ports), '/v1/explanation', { token, query });

describe('GET /v1/explanation', () => {
  it.each([
    ['orders-db', 'allowed', 'the rule developers-work allows it'],
    ['stock-db', 'requestable', 'access to "stock-db" needs an approval'],
    ['payroll-db', 'denied', 'no rule allows it'],
  ])('says of %s to dana: %s', async (target, verdict, because) => {
    const { body } = await explained(world(), 'dana', { action: 'connect', target });
    expect(body).toMatchObject({ verdict, because, action: 'connect', target });
    expect(body).not.toHaveProperty('rules');
  });

  it('names the grant that it rests on', async () => {
    const ports = world();
    const post = (token: string, path: string, body: object) =>
      call(accessHandler(ports), path, { token, method: 'POST', body });
    const { body } = await post('dana', '/v1/requests', { target: 'stock-db', reason: 'x' });
    for (const who of ['rui', 'sam']) {
      await post(who, `/v1/requests/${String(body['id'])}/decisions`, { decision: 'approved' });
    }
    const answer = await explained(ports, 'dana', { action: 'connect', target: 'stock-db' });
    expect(answer.body['because']).toContain(`with the grant ${String(body['id'])}`);
    const other = await explained(ports, 'eve', { action: 'connect', target: 'stock-db' });
    expect(other.body['verdict']).toBe('requestable');
  });

  it('says the same of a target that is not there as of one that is another’s (security case 14)', async () => {
    const [real, none] = await Promise.all(
      ['payroll-db', 'nothing-db'].map((target) => explained(world(), 'dana', { action: 'connect', target })),
    );
    expect({ ...real!.body, target: '', hint: '' }).toEqual({ ...none!.body, target: '', hint: '' });
  });

  it.each([{}, { action: 'fly' }, { action: 'connect', target: '../x' }, { action: 'connect', as: 'eve' }])(
    'takes an action and a target alone: %j',
    async (query) => {
      expect((await explained(world(), 'dana', query as Record<string, string>)).status).toBe(400);
    },
  );
});
