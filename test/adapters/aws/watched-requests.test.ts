import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { watchedRequests } from '#adapters/aws/watched-requests.ts';
import { type AccessRequest, digestOf, type Step } from '#core/access/request.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { hasMoto, type Moto, startMoto } from '#test/support/moto.ts';

const AT = '2026-11-23T09:00:00.000Z';
const person = (subject: string) => ({ issuer: 'https://id.example', subject });
const approved: Step = { at: AT, kind: 'approved', by: person('rui'), groups: ['reviewers'] };

function request(n: number): AccessRequest {
  const question = {
    requester: person('dana'),
    target: 'orders-db',
    rule: 'ask',
    policy: 'a'.repeat(64),
    reason: 'look',
    durationMs: 3_600_000,
    breakGlass: false,
    createdAt: AT,
    pendingUntil: AT,
  };
  const id = newSessionId(Date.parse(AT) + n, Buffer.alloc(10, n));
  return { ...question, id, digest: digestOf(question), steps: [] };
}

describe.runIf(hasMoto())('grants that are watched', () => {
  let moto: Moto;
  beforeAll(async () => (moto = await startMoto()));
  afterAll(() => moto.stop());

  async function stand() {
    const table = await moto.table('access');
    const { dynamo } = moto.clients;
    const store = dynamoAccessStore(dynamo, table);
    const reads: string[] = [];
    const clock = { ms: 0 };
    const counted = {
      send: (command: { input: { Key?: { kind: string } } }) => {
        reads.push(command.input.Key?.kind.split('/')[0] ?? '?');
        return dynamo.send(command as never);
      },
    } as unknown as typeof dynamo;
    const watched = watchedRequests({ dynamo: counted, table }, () => clock.ms);
    return { store, watched, reads, clock };
  }

  it('cost one read of the count, however many they are, while nothing changes', async () => {
    const { store, watched, reads, clock } = await stand();
    const ids = [1, 2, 3].map((n) => request(n).id);
    for (const n of [1, 2, 3]) await store.create(request(n));
    await Promise.all(ids.map((id) => watched.get(id)));
    expect(reads.toSorted()).toEqual(['changes', 'request', 'request', 'request']);
    clock.ms += 500;
    await Promise.all(ids.map((id) => watched.get(id)));
    expect(reads.slice(4)).toEqual(['changes']);
  });

  it('show a change by anybody at the next look', async () => {
    const { store, watched, clock } = await stand();
    const [{ id }, other] = [await store.create(request(1)), await store.create(request(2))];
    expect((await watched.get(id)).steps).toEqual([]);
    await store.append(id, 0, [approved]);
    clock.ms += 500;
    expect((await watched.get(id)).steps).toHaveLength(1);
    await store.append(other.id, 0, [approved]);
    clock.ms += 500;
    expect((await watched.get(id)).steps).toHaveLength(1);
  });

  it('are read again after three seconds, whatever the count says', async () => {
    const { store, watched, reads, clock } = await stand();
    const { id } = await store.create(request(1));
    await watched.get(id);
    clock.ms += 3_000;
    await watched.get(id);
    expect(reads.filter((kind) => kind === 'request')).toHaveLength(2);
  });

  it('are not shown when the count cannot be read', async () => {
    const dynamo = { send: () => Promise.reject(new Error('away')) } as never;
    const watched = watchedRequests({ dynamo, table: 'none' }, () => 0);
    await expect(watched.get('x')).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});
