/** A request under anything that people do to it, against a model that is written another way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Authorization, decide } from '#core/access/decide.ts';
import { giveBack, judge, newRequest, review, revoke, use } from '#core/access/lifecycle.ts';
import type { AccessRequest, Step, StepOf } from '#core/access/request.ts';
import { CustodyError } from '#core/errors.ts';
import { after, HOUR, idOf, NOW, policyOf, principal } from './support.ts';

const POLICY = policyOf([
  `name: one, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads, owners] }, maxDuration: 1h, pendingFor: 2h }`,
  `name: three, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads, owners] }, approvals: 3, maxDuration: 1h, pendingFor: 2h }`,
  `name: each, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { all: [leads, owners] }, maxDuration: 1h, pendingFor: 2h }`,
  `name: exact, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads] }, approvals: 2, maxDuration: 1h, pendingFor: 2h, statements: exact }`,
  `name: glass, groups: [developers], targets: [orders-db], allow: [connect], breakGlass: { reviewers: { any: [leads, owners] }, maxDuration: 1h }`,
]);
const RULES = ['one', 'three', 'each', 'exact', 'glass'] as const;

/** Accounts, and the human being behind each: dana asks; dana and lee have two accounts. */
const FAR = { expiresAt: after(1_000 * HOUR) };
const accounts = {
  dana: principal('dana', ['developers', 'leads', 'owners'], { email: 'dana@example.com', ...FAR }),
  dana2: principal('d-admin', ['leads', 'owners'], { email: 'Dana@Example.com', ...FAR }),
  lee: principal('lee', ['leads'], { email: 'lee@example.com', ...FAR }),
  lee2: principal('l-admin', ['leads', 'owners'], { email: 'LEE@example.com', ...FAR }),
  rui: principal('rui', ['leads', 'owners'], FAR),
  kim: principal('kim', ['leads'], FAR),
  owen: principal('owen', ['owners'], FAR),
  eve: principal('eve', ['developers'], FAR),
} as const;
type Account = keyof typeof accounts;
const humanOf = (account: Account): string => account.replace('2', '');

type Command =
  | {
      readonly do: 'approved' | 'denied' | 'justified' | 'unjustified' | 'revoke' | 'giveBack';
      readonly by: Account;
    }
  | { readonly do: 'use'; readonly session: number }
  | { readonly do: 'wait'; readonly ms: number };

const anyAccount = fc.constantFrom(...(Object.keys(accounts) as Account[]));
const by = (what: Exclude<Command['do'], 'use' | 'wait'>, who = anyAccount): fc.Arbitrary<Command> =>
  who.map((by) => ({ do: what, by }));
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 16, arbitrary: by('approved') },
  { weight: 1, arbitrary: by('denied') },
  { weight: 1, arbitrary: by('revoke') },
  { weight: 1, arbitrary: by('justified') },
  { weight: 1, arbitrary: by('unjustified') },
  { weight: 1, arbitrary: by('giveBack', fc.constantFrom('dana', 'dana2', 'lee')) },
  { weight: 1, arbitrary: fc.nat(1).map((session) => ({ do: 'use' as const, session })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1, HOUR / 2, HOUR - 1, HOUR, 2 * HOUR)
      .map((ms) => ({ do: 'wait' as const, ms })),
  },
);

/** What the code does: the request with what was added, or the code of the refusal. */
function act(request: AccessRequest, command: Command, now: Date): readonly Step[] | string {
  try {
    return stepsOf(request, command, now);
  } catch (error) {
    return (error as CustodyError).code;
  }
}

function stepsOf(request: AccessRequest, command: Command, now: Date): readonly Step[] {
  if (command.do === 'wait') return [];
  if (command.do === 'use') return use(request, idOf(100 + command.session), now);
  const who = accounts[command.by];
  if (command.do === 'giveBack') return giveBack(request, who, now);
  const question = { policy: POLICY, principal: who, target: request.target, request, now } as const;
  const permission = decide({ ...question, action: 'approve' });
  if (!Authorization.isOne(permission)) throw new CustodyError(permission.code, permission.message);
  if (command.do === 'revoke') return revoke(request, permission, undefined, now);
  if (command.do === 'approved' || command.do === 'denied')
    return judge(request, permission, command.do, undefined, now);
  return review(request, permission, command.do, undefined, now);
}

/** What should be: the kinds of the steps that are added, or the code of the refusal. */
class Model {
  readonly rule: (typeof RULES)[number];
  #now = NOW.getTime();
  #end: string | undefined;
  #grantedUntil: number | undefined;
  #usedBy: number | undefined;
  #review: { readonly by: string; readonly verdict: string } | undefined;
  readonly #verdicts = new Map<string, string>();
  readonly #approvers: Account[] = [];

  constructor(rule: (typeof RULES)[number]) {
    this.rule = rule;
    if (rule === 'glass') this.#grantedUntil = this.#now + HOUR;
  }

  get #isPending(): boolean {
    return (
      this.#end === undefined && this.#grantedUntil === undefined && this.#now < NOW.getTime() + 2 * HOUR
    );
  }

  get #isGranted(): boolean {
    return this.#end === undefined && this.#grantedUntil !== undefined && this.#now < this.#grantedUntil;
  }

  expect(command: Command): readonly string[] | string {
    if (command.do === 'wait') {
      this.#now += command.ms;
      return [];
    }
    if (command.do === 'use') return this.#use(command.session);
    if (command.do === 'giveBack') return this.#giveBack(command.by);
    if (!this.#mayDecide(command.by)) return 'access-denied';
    if (command.do === 'revoke') return this.#revoke();
    return command.do === 'approved' || command.do === 'denied'
      ? this.#judge(command.by, command.do)
      : this.#look(humanOf(command.by), command.do);
  }

  #mayDecide(by: Account): boolean {
    const { groups } = accounts[by];
    const isReviewer = groups.includes('leads') || (this.rule !== 'exact' && groups.includes('owners'));
    return isReviewer && humanOf(by) !== 'dana';
  }

  #use(session: number): readonly string[] | string {
    if (this.rule !== 'exact') return [];
    if (!this.#isGranted || (this.#usedBy !== undefined && this.#usedBy !== session)) return 'conflict';
    if (this.#usedBy === session) return [];
    this.#usedBy = session;
    return ['used'];
  }

  #giveBack(by: Account): readonly string[] | string {
    if (by !== 'dana') return 'access-denied';
    if (this.#end === 'withdrawn' || this.#end === 'returned') return [];
    if (!this.#isPending && !this.#isGranted) return 'conflict';
    this.#end = this.#isPending ? 'withdrawn' : 'returned';
    return [this.#end];
  }

  #revoke(): readonly string[] | string {
    if (this.#end === 'revoked') return [];
    if (!this.#isGranted) return 'conflict';
    this.#end = 'revoked';
    return ['revoked'];
  }

  #judge(by: Account, verdict: 'approved' | 'denied'): readonly string[] | string {
    const earlier = this.#verdicts.get(humanOf(by));
    if (earlier === verdict) return [];
    if (earlier !== undefined || !this.#isPending) return 'conflict';
    this.#verdicts.set(humanOf(by), verdict);
    if (verdict === 'denied') this.#end = 'denied';
    if (verdict === 'denied') return ['denied'];
    this.#approvers.push(by);
    if (!this.#isEnough()) return ['approved'];
    this.#grantedUntil = this.#now + HOUR;
    return ['approved', 'granted'];
  }

  #isEnough(): boolean {
    if (this.rule !== 'each')
      return this.#approvers.length >= { one: 1, three: 3, exact: 2, glass: 0 }[this.rule];
    const is = (group: string) => (by: Account) => accounts[by].groups.includes(group);
    return this.#approvers.some(
      (lead) => is('leads')(lead) && this.#approvers.some((by) => by !== lead && is('owners')(by)),
    );
  }

  #look(by: string, verdict: string): readonly string[] | string {
    if (this.rule !== 'glass') return 'conflict';
    const earlier = this.#review;
    if (earlier !== undefined) return earlier.by === by && earlier.verdict === verdict ? [] : 'conflict';
    this.#review = { by, verdict };
    return ['reviewed'];
  }
}

const ENDS: readonly string[] = ['denied', 'withdrawn', 'returned', 'revoked'];

/** What holds of every request, whatever was done: of its steps alone. */
function checkSteps({ steps, rule, createdAt, pendingUntil, requester }: AccessRequest): void {
  const kinds = steps.map(({ kind }) => kind);
  const grantedAt = kinds.indexOf('granted');
  expect(kinds.filter((kind) => kind === 'granted').length).toBeLessThanOrEqual(1);
  expect(kinds.filter((kind) => kind === 'reviewed').length).toBeLessThanOrEqual(1);
  expect(kinds.filter((kind) => kind === 'used').length).toBeLessThanOrEqual(1);
  const times = [createdAt, ...steps.map(({ at }) => at)];
  expect(times.toSorted()).toEqual(times);
  const end = kinds.findIndex((kind) => ENDS.includes(kind));
  expect(end < 0 ? [] : kinds.slice(end + 1).filter((kind) => kind !== 'reviewed')).toEqual([]);
  checkPeople(steps, requester.email!);
  if (grantedAt >= 0 && rule !== 'glass') checkGrant(steps, grantedAt, pendingUntil);
}

/** Nobody decides or reviews for themselves, and nobody decides twice: told by e-mail, or by subject where there is none. */
function checkPeople(steps: readonly Step[], requester: string): void {
  const judged = steps.filter(({ kind }) => ['approved', 'denied', 'reviewed', 'revoked'].includes(kind));
  const who = (step: Step): string => {
    const { email, subject } = (step as StepOf<'approved'>).by;
    return (email ?? subject).toLowerCase();
  };
  expect(judged.map(who)).not.toContain(requester.toLowerCase());
  const deciders = steps.filter(({ kind }) => kind === 'approved' || kind === 'denied').map(who);
  expect(new Set(deciders).size).toBe(deciders.length);
}

/** The clock starts at the deciding approval, and no grant comes of what has expired. */
function checkGrant(steps: readonly Step[], index: number, pendingUntil: string): void {
  const [approval, grant] = [steps[index - 1]!, steps[index] as StepOf<'granted'>];
  expect(approval.kind).toBe('approved');
  expect(grant.at).toBe(approval.at);
  expect(Date.parse(grant.until) - Date.parse(grant.at)).toBe(HOUR);
  expect(grant.at < pendingUntil).toBe(true);
}

describe('a request, whatever is done to it by whom and when', () => {
  it.each(RULES)(
    'by the rule %s does what the model says, and keeps what always holds (security case 11)',
    (rule) => {
      const seen = new Map<string, number>();
      fc.assert(
        fc.property(fc.array(anyCommand, { maxLength: 30, size: 'max' }), (commands) => {
          const model = new Model(rule);
          let [request, now] = [asked(rule), NOW];
          for (const command of commands) {
            if (command.do === 'wait') now = new Date(now.getTime() + command.ms);
            const added = act(request, command, now);
            const expected = model.expect(command);
            expect(typeof added === 'string' ? added : added.map(({ kind }) => kind)).toEqual(expected);
            if (typeof added === 'string') continue;
            request = { ...request, steps: [...request.steps, ...added] };
            for (const { kind } of added) seen.set(kind, (seen.get(kind) ?? 0) + 1);
          }
          checkSteps(request);
        }),
        { numRuns: 600 },
      );
      const glass = ['reviewed', 'returned', 'revoked'];
      const others = ['approved', 'granted', 'denied', 'withdrawn', 'returned', 'revoked'];
      const possible = rule === 'glass' ? glass : rule === 'exact' ? [...others, 'used'] : others;
      expect([...seen.keys()].sort()).toEqual(possible.sort());
    },
  );
});

function asked(rule: (typeof RULES)[number]): AccessRequest {
  const wish = { rule, breakGlass: rule === 'glass' };
  const question = { policy: POLICY, principal: accounts.dana, target: 'orders-db', wish, now: NOW } as const;
  const permission = decide({ ...question, action: 'request' });
  if (!Authorization.isOne(permission)) throw new Error(permission.message);
  const statements = [{ sha256: 'b'.repeat(64), text: 'select 1' }];
  const ask = rule === 'exact' ? { reason: 'look', statements } : { reason: 'look' };
  return newRequest(permission, ask, idOf(1), NOW);
}
