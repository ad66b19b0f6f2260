import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { type Watcher, watcherOf } from '#core/access/presence.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import { Moderation, untilWatched } from '#proxy/moderation.ts';
import { MemoryStream } from '#test/lambdas/support.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';

const START = Date.parse('2026-11-23T09:00:00.000Z');
const ISSUER = 'https://id.example';
const POLICY = parseConfig(
  `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  vault: { protocol: postgres, address: db:5432, database: main, credential: { user: a, passwordFile: s } }
rules:
  - name: watched
    groups: [developers]
    targets: [vault]
    allow: [connect]
    moderated: { by: { any: [reviewers] }, wait: 60s }
`,
  'custody.yaml',
);
const rule = POLICY.rules[0]!;
const person = (subject: string, group: string): Principal => ({
  issuer: ISSUER,
  subject,
  groups: [group],
  expiresAt: new Date(START),
});

/** A client that waits, with a clock that goes on where it waits. `each`: what happens meanwhile. */
function waiting(each: (ms: number) => void = () => undefined) {
  const notes: string[] = [];
  const said: string[] = [];
  const presence = new MemoryAccess();
  const stream = new MemoryStream();
  const clock = { ms: 0 };
  const note = (fact: { readonly note: string }): void => void notes.push(fact.note);
  const moderation = new Moderation(person('dana', 'developers'), true, note);
  const stop = new AbortController();
  const here = { gone: false };
  const client = {
    ...{ session: 's', target: 'vault', principal: person('dana', 'developers') },
    ...{ rule, moderation, note, ended: stop.signal },
    gone: () => here.gone,
    notify: (message: string, hint: string) => void said.push(message, hint),
  };
  const now = (): Date => new Date(START + clock.ms);
  const ports = {
    presence,
    stream,
    wallClock: now,
    pause: async (ms: number) => each((clock.ms += ms)),
  };
  const look = (watchers: readonly Watcher[]) => moderation.look(rule.moderated!, watchers, now());
  const done = () => untilWatched(client, ports);
  return { notes, said, presence, stream, clock, moderation, stop, here, look, done, now };
}

const RUI = (now: Date): Watcher => watcherOf(person('rui', 'reviewers'), 's', POLICY, now);

describe('a session that waits for who watches it', () => {
  it('tells its client what to tell them, and goes on once somebody is there', async () => {
    const one = waiting((ms) => {
      if (ms >= 5_000) one.look([RUI(one.now())]);
    });
    const done = one.done();
    expect(await one.presence.waiting(one.now())).toEqual(['s']);
    await done;
    expect(one.clock.ms).toBe(5_000);
    expect(one.said.join(' ')).toContain('custody watch s');
    expect(one.moderation.isWaiting).toBe(false);
    expect(await one.presence.waiting(one.now())).toEqual([]);
    expect(one.notes).toEqual(['moderator-awaited', 'moderator-came']);
  });

  it('tells webhooks who is waited for, once, and again where they could not be told', async () => {
    const one = waiting((ms) => {
      if (ms >= 5_000) one.look([RUI(one.now())]);
    });
    const tell = one.stream.tell.bind(one.stream);
    let failures = 2;
    one.stream.tell = async (news) => {
      if ((failures -= 1) >= 0) throw new CustodyError('store-unavailable', 'no store');
      await tell(news);
    };
    await one.done();
    expect(one.stream.told).toEqual([
      {
        id: 's/waits',
        kind: 'session-waits',
        at: new Date(START).toISOString(),
        alarm: false,
        session: 's',
        requester: { issuer: ISSUER, subject: 'dana' },
        target: 'vault',
        rule: rule.name,
        groups: ['reviewers'],
        until: new Date(START + 60_000).toISOString(),
      },
    ]);
  });

  it('ends when who came has not been seen for ten seconds, and not before', async () => {
    const one = waiting(() => one.look([RUI(new Date(START))]));
    await one.done();
    one.clock.ms = 9_999;
    expect(one.look([RUI(new Date(START))])).toBeUndefined();
    one.clock.ms = 10_000;
    expect(one.look([RUI(new Date(START))])?.message).toContain('nobody of reviewers watches');
    expect(one.notes.slice(1)).toEqual(['moderator-came', 'moderator-left']);
  });

  it('goes on while another is there', () => {
    const one = waiting();
    one.moderation.isWaiting = false;
    const sam = watcherOf(person('sam', 'reviewers'), 's', POLICY, one.now());
    expect(one.look([RUI(one.now()), sam])).toBeUndefined();
    expect(one.look([sam])).toBeUndefined();
    expect(one.look([])).toBeDefined();
    expect(one.notes).toEqual(['moderator-came', 'moderator-came', 'moderator-left', 'moderator-left']);
  });

  it('gives up when nobody comes, when its client goes, when the session has to end, and when nothing can be noted', async () => {
    const alone = waiting();
    await expect(alone.done()).rejects.toMatchObject({ code: 'approval-required' });
    expect(alone.clock.ms).toBe(60_000);
    const left = waiting(() => void (left.here.gone = true));
    await expect(left.done()).rejects.toMatchObject({ code: 'peer-left' });
    const over = waiting(() => over.stop.abort(new CustodyError('terminated', 'an operator ended it')));
    await expect(over.done()).rejects.toMatchObject({ code: 'terminated' });
    const blind = waiting();
    blind.presence.awaits = () => Promise.reject(new CustodyError('store-unavailable', 'no store'));
    await expect(blind.done()).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(blind.said).toEqual([]);
  });
});
