import { describe, expect, it } from 'vitest';
import { Authorization, decide } from '#core/access/decide.ts';
import { AccessDesk, type DeskPorts } from '#core/access/desk.ts';
import { giveBack, judge, revoke } from '#core/access/lifecycle.ts';
import { type AccessRequest, type Step, stateOf } from '#core/access/request.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import { DeviationDesk, type DeviationPorts, type DeviationQuestion } from '#core/tasks/deviation-desk.ts';
import { kindsOf, Told } from '#test/core/access/desk-support.ts';
import {
  agent,
  deviationOf,
  lee,
  mayConnect,
  owen,
  POLICY,
  RULES,
  SESSION,
  workflowsOf,
} from '#test/core/access/deviation-support.ts';
import { after, idOf, NOW, policyOf } from '#test/core/access/support.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';

const WAIT_MS = 120_000;
const ID = idOf(1);

interface Stand {
  readonly store: MemoryAccess;
  readonly told: Told;
  readonly desk: DeviationDesk;
  readonly clock: { now: Date };
  readonly heard: string[];
  readonly client: AbortController;
  /** How many wait. */
  readonly waiting: { count: number };
  readonly ask: (more?: Partial<DeviationQuestion>) => ReturnType<DeviationDesk['ask']>;
  readonly says: (
    who: Principal,
    verdict?: 'approved' | 'denied',
    comment?: string,
  ) => Promise<AccessRequest>;
  readonly change: AccessDesk['change'];
}

/** `during`: what happens in each pause, one after the other; time passes in it by itself. */
function stand(during: readonly ((at: Stand) => unknown)[] = [], more: Partial<DeviationPorts> = {}): Stand {
  const store = new MemoryAccess();
  const told = new Told();
  const clock = { now: NOW };
  const now = (): Date => clock.now;
  let made = 0;
  const newId = (): string => idOf((made += 1));
  const ports: DeskPorts = { requests: store, leaves: told.leaves, stream: told.stream, now, newId };
  const access = new AccessDesk(ports);
  const waiting = { count: 0 };
  const steps = [...during];
  const pause = async (ms: number): Promise<void> => {
    const next = steps.shift();
    await next?.(at);
    clock.now = new Date(clock.now.getTime() + ms);
  };
  const desk = new DeviationDesk({
    policy: { config: POLICY },
    requests: store,
    desk: access,
    wallClock: now,
    pause,
    room: () => {
      waiting.count += 1;
      return () => void (waiting.count -= 1);
    },
    ...more,
  });
  const client = new AbortController();
  const heard: string[] = [];
  const question: DeviationQuestion = {
    permission: mayConnect(),
    session: SESSION,
    startedAt: NOW,
    workflowDigest: deviationOf().workflowDigest,
    deviation: { kind: 'origin', command: 'give', expected: 'a value from find.ids', seen: 'another value' },
    command: 'UPDATE refunds SET paid = true WHERE id = 9',
    isAnswer: false,
  };
  const announce = (message: string, hint: string): void => void heard.push(message, hint);
  const says: Stand['says'] = (who, verdict = 'approved', comment) =>
    access.change(ID, (request, at) => judged(request, who, verdict, comment, at));
  const ask: Stand['ask'] = (changed) =>
    desk.ask({ ...question, ...changed }, { signal: client.signal, announce });
  const change: AccessDesk['change'] = (id, of) => access.change(id, of);
  const at: Stand = { store, told, desk, clock, heard, client, waiting, ask, says, change };
  return at;
}

function judged(
  request: AccessRequest,
  who: Principal,
  verdict: 'approved' | 'denied',
  comment: string | undefined,
  now: Date,
): readonly Step[] {
  return judge(request, mayDecide(request, who, now), verdict, comment, now);
}

function mayDecide(request: AccessRequest, principal: Principal, now: Date): Authorization<'approve'> {
  const question = { policy: POLICY, principal, target: request.target, request, now } as const;
  const permission = decide({ ...question, action: 'approve' });
  if (Authorization.isOne(permission)) return permission;
  throw new Error(permission.message);
}

const bothApprove = [(at: Stand) => at.says(lee), (at: Stand) => at.says(owen)];
const stored = ({ store }: Stand): AccessRequest => store.requests.get(ID)!;
const kinds = (at: Stand): string[] => kindsOf(stored(at));
const LEFT = new CustodyError('too-slow', 'the client has gone');

describe('DeviationDesk', () => {
  it('lets a command go on that reviewers approved, once it is used, in the ledger and told', async () => {
    const at = stand(bothApprove);
    expect(await at.ask()).toEqual({ approved: true, request: ID });
    expect(kinds(at)).toEqual(['approved', 'approved', 'granted', 'used']);
    expect(stored(at)).toMatchObject({
      requester: { subject: 'agent-7' },
      rule: 'work',
      deviation: {
        ...{ run: mayConnect().context.task!.run, workflow: 'refunds', task: 'refund', session: SESSION },
        ...{ kind: 'origin', of: 'give', expected: 'a value from find.ids', seen: 'another value' },
        // printf %s 'UPDATE …' | sha256sum
        command: {
          text: 'UPDATE refunds SET paid = true WHERE id = 9',
          sha256: 'c6ec9fc6a072060f4eed8dc7a570998f30c87a5bf990dbe3a32f32d845283fd8',
        },
        isAnswer: false,
      },
    });
    const leaves = at.told.log.filter((entry) => typeof entry === 'string').map((leaf) => leafKind(leaf));
    expect(leaves).toEqual([
      ...['access-requested', 'access-decided', 'access-decided', 'access-granted', 'access-used'],
    ]);
    expect(at.waiting.count).toBe(0);
  });

  it('tells the client, once, what is asked, for how long, and how it is decided', async () => {
    const at = stand(bothApprove, { requestUrl: (id) => `https://custody.example/${id}` });
    await at.ask();
    expect(at.heard).toEqual([
      `another value; the contract has a value from find.ids: request ${ID} waits for reviewers`,
      `the command waits up to 2m; reviewers see it with: custody requests ${ID}, and decide with: custody approve ${ID}, or custody deny ${ID}; see https://custody.example/${ID}`,
    ]);
  });

  it('asks anew for the next command, also for the very same (security case 23)', async () => {
    const at = stand(bothApprove);
    await at.ask();
    expect(await at.ask()).toEqual({ approved: false, why: 'nobody decided in time', request: idOf(2) });
    expect(kinds(at).filter((kind) => kind === 'used')).toHaveLength(1);
  });

  it.each<[what: string, during: readonly ((at: Stand) => unknown)[], why: string]>([
    ['was denied', [(at) => at.says(lee, 'denied')], 'reviewers denied it'],
    [
      'was denied with words',
      [(at) => at.says(lee, 'denied', 'not on a Sunday')],
      'reviewers denied it: not on a Sunday',
    ],
    ['nobody decided', [], 'nobody decided in time'],
    ['one of two approved', [(at) => at.says(lee)], 'nobody decided in time'],
    [
      'its own person withdrew',
      [(at) => at.change(ID, (request, now) => giveBack(request, agent, now))],
      'it was withdrawn',
    ],
  ])('does not let go on what %s', async (_what, during, why) => {
    const at = stand(during);
    expect(await at.ask()).toEqual({ approved: false, why, request: ID });
    expect(kinds(at)).not.toContain('used');
    expect(at.clock.now.getTime() - NOW.getTime()).toBeLessThanOrEqual(WAIT_MS);
    expect(at.waiting.count).toBe(0);
  });

  it('takes an approval of the last moment, and none after it', async () => {
    const just = stand([
      (at) => at.says(lee),
      (at) => {
        at.clock.now = after(WAIT_MS - 1);
        return at.says(owen);
      },
    ]);
    expect(await just.ask()).toMatchObject({ approved: true });
    const late = stand([
      (at) => at.says(lee),
      async (at) => {
        at.clock.now = after(WAIT_MS);
        await expect(at.says(owen)).rejects.toMatchObject({ code: 'conflict' });
      },
    ]);
    expect(await late.ask()).toMatchObject({ approved: false, why: 'nobody decided in time' });
  });

  it('withdraws when the client has gone, while nobody has decided', async () => {
    const at = stand([(here) => here.client.abort(LEFT)]);
    expect(await at.ask()).toEqual({
      approved: false,
      why: 'it waits no more: the client has gone',
      request: ID,
    });
    expect(kinds(at)).toEqual(['withdrawn']);
    expect(stored(at).steps[0]).toMatchObject({ by: { subject: 'agent-7' } });
  });

  it('gives back what was approved when the client had gone', async () => {
    const at = stand([
      (here) => here.says(lee),
      async (here) => {
        await here.says(owen);
        here.client.abort(LEFT);
      },
    ]);
    expect(await at.ask()).toMatchObject({ approved: false });
    expect(kinds(at)).toEqual(['approved', 'approved', 'granted', 'returned']);
  });

  it('leaves as it is what was denied, or was too late, when the client had gone', async () => {
    const denied = stand([
      async (here) => {
        await here.says(lee, 'denied');
        here.client.abort(LEFT);
      },
    ]);
    expect(await denied.ask()).toMatchObject({ approved: false });
    expect(kinds(denied)).toEqual(['denied']);
    const over = stand([
      (here) => {
        here.clock.now = after(WAIT_MS);
        here.client.abort(LEFT);
      },
    ]);
    expect(await over.ask()).toMatchObject({ approved: false });
    expect(kinds(over)).toEqual([]);
  });

  it('does not wait for a pause to end when the client goes', async () => {
    const at = stand([], { pause: () => new Promise(() => {}) });
    const asked = at.ask();
    await expect.poll(() => at.store.requests.size).toBe(1);
    at.client.abort(LEFT);
    expect(await asked).toMatchObject({ approved: false });
    expect(kinds(at)).toEqual(['withdrawn']);
  });

  it('of two reviewers at once takes both, and of a denial and an approval one', async () => {
    const both = stand([(at) => Promise.all([at.says(lee), at.says(owen)])]);
    expect(await both.ask()).toMatchObject({ approved: true });
    const against = stand([
      (at) => at.says(lee),
      (at) => Promise.allSettled([at.says(owen, 'denied'), at.says(owen)]),
    ]);
    expect(await against.ask()).toMatchObject({ approved: false, why: 'reviewers denied it' });
  });

  it('does not let go on what was revoked between the look and the use', async () => {
    const at = stand(bothApprove);
    const get = at.store.get.bind(at.store);
    at.store.get = async (id) => {
      const seen = await get(id);
      if (stateOf(seen, at.clock.now) === 'granted') {
        at.store.get = get;
        await at.change(id, (request, now) => revoke(request, mayDecide(request, lee, now), undefined, now));
      }
      return seen;
    };
    expect(await at.ask()).toMatchObject({
      approved: false,
      why: expect.stringMatching(/revoked/) as string,
    });
    expect(kinds(at)).toEqual(['approved', 'approved', 'granted', 'revoked']);
  });

  it.each<[what: string, command: string, why: RegExp]>([
    ['is too long to be shown', 'x'.repeat(65_537), /longer than the 65536 bytes/],
    ['has a zero byte', 'select\0 1', /not text/],
    ['is no text', 'select \ud800', /not text/],
  ])('asks nobody about a command that %s', async (_what, command, why) => {
    const at = stand();
    const reviewed = await at.ask({ command });
    expect(reviewed).toMatchObject({ approved: false, why: expect.stringMatching(why) as string });
    expect([reviewed.request, at.store.requests.size]).toEqual([undefined, 0]);
  });

  it('takes one of exactly so many bytes', async () => {
    const at = stand(bothApprove);
    expect(await at.ask({ command: 'x'.repeat(65_536) })).toMatchObject({ approved: true });
  });

  it('asks nobody where the contract does not, or the workflow is another by now', async () => {
    for (const waiting of ['ask: { reviewers: { any: [leads] }, wait: 5m }']) {
      const at = stand([], { policy: { config: policyOf(RULES, workflowsOf(waiting)) } });
      expect(await at.ask()).toEqual({ approved: false, why: 'nobody can be asked whether it may go on' });
      expect(at.store.requests.size).toBe(0);
    }
  });

  it('asks nobody where too many wait already', async () => {
    const full = new CustodyError('too-many-connections', '200 clients wait for somebody already');
    const at = stand([], {
      room: () => {
        throw full;
      },
    });
    expect(await at.ask()).toEqual({ approved: false, why: full.message });
    expect(at.store.requests.size).toBe(0);
  });

  it('rejects where requests cannot be reached, so that nothing goes on, and leaves its place', async () => {
    const at = stand(bothApprove);
    at.store.append = () => Promise.reject(new CustodyError('internal', 'the disk is gone'));
    const asked = at.ask();
    await expect(asked).rejects.toMatchObject({ code: 'internal' });
    expect(at.waiting.count).toBe(0);
  });

  it('of an answer asks whether the session goes on', async () => {
    const at = stand(bothApprove);
    expect(await at.ask({ isAnswer: true })).toMatchObject({ approved: true });
    expect(at.heard[1]).toMatch(/^the session waits up to 2m/);
    expect(stored(at).deviation).toMatchObject({ isAnswer: true });
  });
});

function leafKind(leaf: unknown): string {
  return (JSON.parse(leaf as string) as { kind: string }).kind;
}
