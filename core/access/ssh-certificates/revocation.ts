/** Revoked certificates. They are kept among the logouts, as marks of their own: both end what was let in before. */
import { createHash } from 'node:crypto';
import { CustodyError } from '../../errors.ts';
import type { MarkedLogout, NewestLogouts } from '../../identity/logouts.ts';
import type { Actor, Principal, ShownCertificate } from '../../identity/principal.ts';
import type { Ending, Standing } from '../../identity/standing.ts';

/** What is revoked: one certificate by its serial number, or all that a key or a person has had until now. */
export type Revoked =
  | { readonly kind: 'serial'; readonly serial: string }
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'person'; readonly person: Actor };

/** A certificate as revocations look at it. */
export type Revocable = Pick<ShownCertificate, 'serial' | 'key' | 'issuedAt'> & { readonly person: Actor };

/** As the store of logouts keeps it. Twice the same at one moment is one. */
export function revocationMark(revoked: Revoked, at: Date): MarkedLogout {
  const mark = markOf(revoked);
  return { token: hash(['ssh-revocation', mark, at.toISOString()]), at, marks: [mark] };
}

/** When each of these was revoked; undefined for one that was not. */
export async function revocationsOf(
  certificates: readonly Revocable[],
  revocations: NewestLogouts,
): Promise<readonly (Date | undefined)[]> {
  if (certificates.length === 0) return [];
  const marks = certificates.map(marksOf);
  const newest = await revocations.newest([...new Set(marks.flatMap((one) => Object.values(one)))]);
  return certificates.map(({ issuedAt }, at) => {
    const { serial, key, person } = marks[at]!;
    const since = [newest.get(key), newest.get(person)].filter(
      (time) => time !== undefined && time.getTime() >= issuedAt.getTime(),
    );
    return newest.get(serial) ?? since[0];
  });
}

/** Whoever came with a certificate that was revoked since has to go. */
export function certificateStanding(revocations: NewestLogouts): Standing {
  return {
    over: async (people) => {
      const shown = people.filter(hasCertificate);
      const dates = await revocationsOf(shown.map(revocable), revocations);
      const over = new Set(shown.filter((_, at) => dates[at] !== undefined));
      return people.map((person) => (over.has(person as Certified) ? REVOKED : undefined));
    },
  };
}

type Certified = Principal & { readonly certificate: ShownCertificate };

function hasCertificate(person: Principal): person is Certified {
  return person.certificate !== undefined;
}

function revocable({ certificate, issuer, subject }: Certified): Revocable {
  return { ...certificate, person: { issuer, subject } };
}

function marksOf({ serial, key, person }: Revocable) {
  return {
    serial: markOf({ kind: 'serial', serial }),
    key: markOf({ kind: 'key', key }),
    person: markOf({ kind: 'person', person }),
  };
}

function markOf(revoked: Revoked): string {
  switch (revoked.kind) {
    case 'serial':
      return hash(['ssh-certificate', revoked.serial]);
    case 'key':
      return hash(['ssh-certificates-of-key', revoked.key]);
    case 'person':
      return hash(['ssh-certificates-of-person', revoked.person.issuer, revoked.person.subject]);
  }
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

const REVOKED: Ending = {
  reason: 'revoked',
  error: new CustodyError('access-revoked', 'the SSH certificate was revoked', {
    hint: 'get a new one: custody ssh-login',
  }),
};
