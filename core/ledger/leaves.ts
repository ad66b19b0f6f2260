/** Leaves made of statements: the same statement always makes the same leaf, whoever adds it and however often. */
import { createHash } from 'node:crypto';
import type { Authorization } from '../access/decide.ts';
import { type Person, personOf } from '../access/person.ts';
import type { IssuedCertificate } from '../access/ssh-certificates/book.ts';
import type { Revoked } from '../access/ssh-certificates/revocation.ts';
import type { Logout } from '../identity/logout-token.ts';
import type { CloseStatement, OpenStatement } from '../recording/format.ts';
import { type Leaf, leafBytes } from './leaf.ts';
import type { LeafQueue } from './ports.ts';

/** All that a writer of the ledger needs. */
export type LeafSink = Pick<LeafQueue, 'add'>;

/** `bytes`: open.json as it is stored. */
export function openedLeaf(statement: OpenStatement, bytes: Uint8Array): Leaf {
  return {
    type: 'custody/leaf/1',
    kind: 'session-opened',
    at: statement.startedAt,
    session: statement.session,
    statement: sha256(bytes),
    principal: personOf(statement.principal),
    target: statement.target.name,
  };
}

/** `bytes`: close.json as it is stored. */
export function endedLeaf(statement: CloseStatement, bytes: Uint8Array): Leaf {
  return {
    type: 'custody/leaf/1',
    kind: statement.recovered ? 'session-recovered' : 'session-closed',
    at: statement.endedAt,
    session: statement.session,
    statement: sha256(bytes),
    reason: statement.reason,
  };
}

/** Somebody is given what was said in a session. The permission names who, and whether to watch it, to take it away or to run it again. */
export function seenLeaf(
  { principal, action }: Authorization<'replay'> | Authorization<'export'> | Authorization<'rerun'>,
  session: string,
  now: Date,
  part?: string,
): Leaf {
  return {
    type: 'custody/leaf/1',
    kind: SEEN[action],
    at: now.toISOString(),
    session,
    by: personOf(principal),
    ...(part === undefined ? {} : { part }),
  };
}

const SEEN = {
  replay: 'recording-viewed',
  export: 'recording-exported',
  rerun: 'recording-rerun',
} as const;

/** A session is run again, against this target. */
export function rerunLeaf(
  { principal }: Authorization<'rerun'>,
  session: string,
  now: Date,
  { against, part }: { readonly against: string; readonly part?: string | undefined },
): Leaf {
  return {
    type: 'custody/leaf/1',
    kind: 'recording-rerun',
    at: now.toISOString(),
    session,
    by: personOf(principal),
    against,
    ...(part === undefined ? {} : { part }),
  };
}

/** The configuration that sessions are decided under from now on. `changedAt`: when it was last written. */
export function policyLeaf(version: string, changedAt: Date): Leaf {
  return { type: 'custody/leaf/1', kind: 'policy-changed', at: changedAt.toISOString(), policy: version };
}

/** An issuer has ended what somebody had. The same token always makes the same leaf. */
export function loggedOutLeaf({ issuer, subject, session, at, token }: Logout): Leaf {
  return {
    type: 'custody/leaf/1',
    kind: 'logged-out',
    at: at.toISOString(),
    issuer,
    ...(subject === undefined ? {} : { subject }),
    ...(session === undefined ? {} : { sid: session }),
    token,
  };
}

export function certificateLeaf({ serial, key, person, issuedAt, expiresAt }: IssuedCertificate): Leaf {
  return {
    type: 'custody/leaf/1',
    kind: 'ssh-certificate-issued',
    at: issuedAt.toISOString(),
    serial,
    key,
    by: personOf(person),
    until: expiresAt.toISOString(),
  };
}

/** One certificate, or all that a key or a person has had until then. */
export function revocationLeaf(revoked: Revoked, by: Person, at: Date): Leaf {
  const leaf = {
    type: 'custody/leaf/1',
    kind: 'ssh-certificate-revoked',
    at: at.toISOString(),
    by: personOf(by),
  } as const;
  switch (revoked.kind) {
    case 'serial':
      return { ...leaf, serial: revoked.serial };
    case 'key':
      return { ...leaf, key: revoked.key };
    case 'person':
      return { ...leaf, of: { issuer: revoked.person.issuer, subject: revoked.person.subject } };
  }
}

/** When it returns, the leaf is durably on its way into the ledger. */
export function enter(leaf: Leaf, sink: LeafSink): Promise<void> {
  return sink.add(leafBytes(leaf));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
