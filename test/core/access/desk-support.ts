import { expect } from 'vitest';
import { Authorization, decide } from '#core/access/decide.ts';
import { AccessDesk, type DeskPorts } from '#core/access/desk.ts';
import { accessLeaf } from '#core/access/leaves.ts';
import { judge } from '#core/access/lifecycle.ts';
import { type News, newsOf } from '#core/access/news.ts';
import type { AccessRequest, Step } from '#core/access/request.ts';
import type { Principal } from '#core/identity/principal.ts';
import { leafBytes } from '#core/ledger/leaf.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';
import { after, HOUR, idOf, NOW, policyOf, principal } from './support.ts';

export const POLICY = policyOf([
  `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, approvals: 3, maxDuration: 4h }`,
  `name: glass, groups: [developers], targets: ['*'], allow: [connect], breakGlass: { reviewers: { any: [leads] }, maxDuration: 30m }`,
]);
export const dana = principal('dana', ['developers']);

/** Everything that was told, in the order in which it was: leaves as their text, news as they are. */
export class Told {
  readonly log: (string | News)[] = [];
  readonly leaves = {
    add: async (leaf: Uint8Array): Promise<void> => {
      this.log.push(Buffer.from(leaf).toString());
    },
  };
  readonly stream = {
    tell: async (news: News): Promise<void> => {
      this.log.push(news);
    },
  };
}

/** Each step has its leaf and, after it, its news; nothing else was told, and the first of each came in order. */
export function expectAllTold({ log }: Told, ...requests: readonly AccessRequest[]): void {
  for (const request of requests) {
    const numbers = Array.from({ length: request.steps.length + 1 }, (_, number) => number);
    const leaves = numbers.map((number) => Buffer.from(leafBytes(accessLeaf(request, number))).toString());
    const places = numbers.flatMap((number) => [
      log.indexOf(leaves[number]!),
      log.findIndex((entry) => typeof entry !== 'string' && entry.id === `${request.id}/${number}`),
    ]);
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  }
  const told = requests.reduce((sum, { steps }) => sum + 2 * (steps.length + 1), 0);
  expect(new Set(log.map((entry) => JSON.stringify(entry))).size).toBe(told);
}

/** News that were told more than once are the same; of leaves the queue sees to it. */
export function newsIds({ log }: Told): string[] {
  return log.flatMap((entry) => (typeof entry === 'string' ? [] : entry.id));
}

export interface Stand {
  readonly store: MemoryAccess;
  readonly told: Told;
  readonly desk: AccessDesk;
  readonly ports: DeskPorts;
  /** The request as it is stored. */
  readonly stored: (n?: number) => AccessRequest;
}

/** A desk on ports in memory, at NOW; `wrap` puts something between. */
export function deskStand(wrap: (ports: DeskPorts) => DeskPorts = (ports) => ports): Stand {
  const store = new MemoryAccess();
  const told = new Told();
  let made = 0;
  const newId = (): string => idOf((made += 1));
  const ports = wrap({ requests: store, leaves: told.leaves, stream: told.stream, now: () => NOW, newId });
  const stored = (n = 1): AccessRequest => store.requests.get(idOf(n))!;
  return { store, told, desk: new AccessDesk(ports), ports, stored };
}

export function mayAsk(rule: 'ask' | 'glass' = 'ask', who: Principal = dana): Authorization<'request'> {
  const wish = { rule, breakGlass: rule === 'glass' };
  const question = { policy: POLICY, principal: who, target: 'orders-db', wish, now: NOW } as const;
  const permission = decide({ ...question, action: 'request' });
  if (!Authorization.isOne(permission)) throw new Error(permission.message);
  return permission;
}

/** What a reviewer called `r<n>` says. */
export function says(n: number, verdict: 'approved' | 'denied') {
  return (request: AccessRequest, now: Date): readonly Step[] => {
    const reviewer = principal(`r${n}`, ['leads'], { expiresAt: after(100 * HOUR) });
    const question = { policy: POLICY, principal: reviewer, target: request.target, request, now } as const;
    const permission = decide({ ...question, action: 'approve' });
    if (!Authorization.isOne(permission)) throw new Error(permission.message);
    return judge(request, permission, verdict, undefined, now);
  };
}

export function kindsOf({ steps }: AccessRequest): string[] {
  return steps.map(({ kind }) => kind);
}

/** As `newsOf` makes them. */
export function newsOfAll(request: AccessRequest): News[] {
  return [undefined, ...request.steps].map((_, number) => newsOf(request, number));
}
