/** RFC 8693 at the demo identity provider: a person's ID token and an agent's token become one of the agent acting for the person. */
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { CustodyError } from '#core/errors.ts';
import { demoIssuer, demoPeople } from './demo-issuer.ts';
import { type DemoKeys, keptKeys, peopleKeys, publicKeys, signedBy, workloadKeys } from './demo-keys.ts';
import { demoAgents, workloadsIssuer } from './demo-workloads.ts';

/** An agent that acts for an agent that acts for … ends somewhere: what Custody itself takes. */
const ACTORS_MAX = 5;
const LIFETIME_S = 3600;
/** Of a token for one task of a run: whoever works longer asks again. */
const TASK_LIFETIME_S = 300;
/** What the person proved to the provider holds for whoever acts for them too. */
const CARRIED = ['sid', 'auth_time', 'email_verified'] as const;

export interface Exchanged {
  readonly token: string;
  readonly expiresInS: number;
}

/**
 * An ID token with `act` (RFC 8693 section 4.1), good for no longer than the person's own. Throws `token-invalid` unless both
 * tokens are good, each for this use, and the agent is one that may act for the person. `task`: `RUN_ID/TASK`, for which alone it
 * is then; a person's own token that is for one stays so.
 */
export async function exchangeDemoTokens(
  dataFolder: string,
  subjectToken: string,
  actorToken: string,
  nowMs: number,
  task?: string,
): Promise<Exchanged> {
  const { issuer, audience } = demoIssuer(dataFolder);
  const keys = keptKeys(dataFolder, peopleKeys);
  const agents = workloadsIssuer(issuer);
  const subject = await verified('subject', keys, subjectToken, issuer, audience, nowMs);
  const actor = await verified(
    'actor',
    keptKeys(dataFolder, workloadKeys),
    actorToken,
    agents,
    issuer,
    nowMs,
  );
  const act = actsFor(actor, subject, agents);
  const iat = Math.floor(nowMs / 1000);
  const issuedFor = taskOf(subject, task);
  const exp = Math.min(subject.exp!, iat + (issuedFor === undefined ? LIFETIME_S : TASK_LIFETIME_S));
  const token = await signedBy(keys, {
    ...personOf(subject),
    iss: issuer,
    aud: audience,
    sub: subject.sub!,
    iat,
    exp,
    act,
    ...(issuedFor === undefined ? {} : { task: issuedFor }),
  });
  return { token, expiresInS: exp - iat };
}

async function verified(
  what: 'subject' | 'actor',
  keys: DemoKeys,
  token: string,
  issuer: string,
  audience: string,
  nowMs: number,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(publicKeys(keys)), {
      issuer,
      audience,
      requiredClaims: ['sub', 'iat', 'exp'],
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (cause) {
    throw refused(`the ${what} token is not valid here`, cause);
  }
}

/** The actor of now, around those that acted before. */
function actsFor({ sub: agent }: JWTPayload, subject: JWTPayload, issuer: string): object {
  if (!Object.hasOwn(demoAgents, agent!) || !demoAgents[agent!]!.includes(subject.sub!))
    throw refused('this agent may not act for this person');
  // A token that only a device may use would be one for anybody afterwards (RFC 8705 section 3).
  if (subject['cnf'] !== undefined) throw refused('a token that is bound to a device is not exchanged');
  // A logout token says that somebody is gone (OpenID Connect Back-Channel Logout 1.0 section 2.4).
  if (subject['events'] !== undefined) throw refused('the subject token is not an ID token');
  const before = subject['act'];
  if (depth(before) >= ACTORS_MAX) throw refused('too many act for each other');
  return { sub: agent, iss: issuer, ...(before === undefined ? {} : { act: before }) };
}

/** No exchange makes more of a token than it was. */
function taskOf({ task: bound }: JWTPayload, wanted: string | undefined): string | undefined {
  if (bound === undefined) return wanted;
  if (wanted === undefined || wanted === bound) return bound as string;
  throw refused('the subject token is for another task');
}

function depth(act: unknown): number {
  let actors = 0;
  for (let one = act; one !== undefined; one = (one as { readonly act?: unknown }).act) actors += 1;
  return actors;
}

/** What the provider says of the person today. */
function personOf(subject: JWTPayload): JWTPayload {
  const person = Object.values(demoPeople).find(({ subject: known }) => known === subject.sub);
  if (person === undefined) throw refused('nobody here has that subject');
  const { name, email, groups } = person;
  const carried = CARRIED.flatMap((claim) =>
    subject[claim] === undefined ? [] : [[claim, subject[claim]] as const],
  );
  return { ...Object.fromEntries(carried), name, email, groups };
}

function refused(why: string, cause?: unknown): CustodyError {
  return new CustodyError('token-invalid', `the tokens were not exchanged: ${why}`, { cause });
}
