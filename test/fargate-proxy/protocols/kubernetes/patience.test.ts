import { expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { USUAL_LIMITS } from '#proxy/protocols/kubernetes/options.ts';
import { eventually } from '#test/support/clients.ts';
import { byHttp1, byHttp2, stood } from './target.ts';

const GROUPS = '/clusters/prod/api?timeout=32s';
const PODS = '/clusters/prod/api/v1/namespaces/dev/pods';

it.each([byHttp1, byHttp2])(
  'a client that asks what there is hears in time what it waits for, and others wait on',
  async (ask) => {
    const { stand } = await stood((_, response) => void response.end('{}'));
    const { promise, resolve } = Promise.withResolvers<void>();
    stand.awaits = promise;
    const [asked, gets] = [ask(stand, GROUPS), ask(stand, PODS)];
    await eventually(
      'both to wait',
      () => stand.timers.some(({ ms }) => ms === USUAL_LIMITS.patienceMs) || undefined,
    );
    stand.elapse(USUAL_LIMITS.patienceMs);
    const told = await asked;
    // Older clients pass over a 403 as if there were nothing.
    expect(told.status).toBe(400);
    expect(told.body).toContain('custody: access needs an approval; ask r; then try again');
    // No client goes on by itself for longer than it has patience: it would say nothing of this then.
    expect(told.headers).not.toHaveProperty('retry-after');
    resolve();
    expect((await gets).status).toBe(200);
    expect((await ask(stand, GROUPS)).status).toBe(200);
    expect(stand.begun).toHaveLength(1);
  },
);

it('nobody who was let in or refused in time hears of it', async () => {
  const { stand } = await stood((_, response) => void response.end('{}'));
  expect((await byHttp1(stand, GROUPS)).status).toBe(200);
  stand.refuses = new CustodyError('access-denied', 'no rule lets you in');
  expect((await byHttp1(stand, '/clusters/other/api')).status).toBe(400);
  expect(stand.timers.filter(({ ms }) => ms === USUAL_LIMITS.patienceMs)).toEqual([]);
});
