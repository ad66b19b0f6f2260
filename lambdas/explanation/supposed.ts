import type { ComingDevice, ComingTask, Context } from '#core/access/conditions.ts';
import type { Config } from '#core/access/config.ts';
import type { Question } from '#core/access/decide.ts';
import { accountNamed, openRequestsOf } from '#core/access/own-requests.ts';
import { type Person, personOf } from '#core/access/person.ts';
import type { AccessCatalog } from '#core/access/store.ts';
import { issuerNamed, supposedPrincipal } from '#core/access/supposed.ts';
import type { ProvedKey } from '#core/identity/credential.ts';
import type { Principal } from '#core/identity/principal.ts';
import type { ExplanationQuery } from './shapes.ts';

export interface SupposedPorts {
  readonly requests: AccessCatalog;
  /** With the groups that are known of somebody without a token: custody.yaml's, and those that directories tell. */
  readonly withKnownGroups: (principal: Principal) => Promise<Principal>;
}

const GRANTS_MAX = 1_000;

/** The question about somebody as they are described. Throws `format-invalid` for an issuer that there is not. */
export async function supposedQuestion(
  query: ExplanationQuery & { readonly as: string },
  policy: Config,
  now: Date,
  { requests, withKnownGroups }: SupposedPorts,
): Promise<Question> {
  const { action, target = '*', at, groups } = query;
  const time = at === undefined ? now : new Date(at);
  const issuer = issuerNamed(query.issuer, policy);
  // Where they have asked for something it is known what their issuer calls them, and what they were granted.
  const known = await accountNamed(query.as, issuer, time, requests);
  const described = supposedPrincipal(describedBy(query, known, issuer), policy, time);
  const principal = groups === undefined ? await withKnownGroups(described) : described;
  const own = { caller: principal, policy, openAt: time, limit: GRANTS_MAX };
  return {
    policy,
    principal: query.device === 'bound' ? { ...principal, device: SOME_KEY } : principal,
    action,
    target,
    now: time,
    context: contextOf(query, principal),
    session: sessionOf(query, principal),
    grants: await openRequestsOf(own, requests),
  };
}

function describedBy(
  { as, groups = [], mfa, actor }: ExplanationQuery & { readonly as: string },
  known: Person | undefined,
  { name, issuer }: { readonly name: string; readonly issuer: string },
) {
  const account = known === undefined ? {} : { as: known.email ?? as, subject: known.subject };
  const actors = actor === undefined ? [] : [{ issuer, subject: actor }];
  return { as, ...account, groups, issuer: name, mfa: mfa === 'true', actors };
}

/** Whose key it is makes no difference: it is theirs. */
const SOME_KEY: ProvedKey = { key: '', proof: 'tls-certificate' };

function contextOf({ network, login, device, task }: ExplanationQuery, principal: Principal): Context {
  return {
    ...(network === undefined ? {} : { network }),
    ...(login === undefined ? {} : { login }),
    ...(device === undefined || device === 'bound' ? {} : { device: registeredTo(principal) }),
    ...(device === 'verified' ? { userVerified: true } : {}),
    ...(task === undefined ? {} : { task: comingAs(task) }),
  };
}

function registeredTo(principal: Principal): ComingDevice {
  return { registered: { id: '', owner: personOf(principal), name: '', fido: true, attested: false } };
}

/** Which run it is makes no difference to a rule. */
function comingAs(name: string): ComingTask {
  const [workflow, task] = name.split('/') as [string, string];
  return { run: '', workflow, digest: '', task };
}

function sessionOf({ session }: ExplanationQuery, principal: Principal): Person {
  if (session === undefined) return personOf(principal);
  return { issuer: principal.issuer, subject: session, email: session };
}
