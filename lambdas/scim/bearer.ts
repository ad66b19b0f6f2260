import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '#core/access/config.ts';
import type { ScimConfig } from '#core/access/scim-schema.ts';
import { CustodyError } from '#core/errors.ts';
import type { Directory } from '#core/identity/scim/meaning.ts';
import type { TokenFailures } from '#core/identity/token-failures.ts';
import type { ApiEvent } from '../api-event.ts';

export interface BearerPorts {
  readonly policy: () => Pick<Config, 'issuers'>;
  /** The secret of a directory, from wherever the file says that it is. */
  readonly secretOf: (scim: ScimConfig) => Promise<string>;
  readonly failures: TokenFailures;
}

/** One that can be guessed would let anybody shut everybody out. */
const SECRET_MIN = 20;

/** Which directory calls. Throws `token-missing` and `token-invalid`, also where there is no such directory, and `too-many-failures`. */
export async function directoryOf(
  event: ApiEvent,
  name: string,
  { policy, secretOf, failures }: BearerPorts,
): Promise<Directory> {
  // The connection's own address: headers say whatever their sender likes (security case 19).
  const address = event.requestContext.http.sourceIp;
  const [, shown] = /^Bearer +(\S+)$/i.exec(headerOf(event, 'authorization')) ?? [];
  if (shown === undefined)
    throw new CustodyError('token-missing', 'this needs the bearer secret of a directory');
  const claim = claimOf(name, shown);
  failures.check(address, claim);
  const issuer = policy().issuers.find((one) => one.name === name && one.scim !== undefined);
  const secret = issuer?.scim === undefined ? undefined : await secretOf(issuer.scim);
  if (secret !== undefined && secret.length < SECRET_MIN) throw tooShort(name);
  if (issuer !== undefined && secret !== undefined && isSame(shown, secret)) {
    failures.proved(address, claim);
    return {
      name,
      issuer: issuer.issuer,
      groupsCount: issuer.scim?.groups === 'also-as-groups',
      names: policy().issuers.flatMap((one) => (one.scim === undefined ? [] : [one.name])),
    };
  }
  failures.failed(address, claim);
  throw new CustodyError('token-invalid', 'this is not the secret of the directory');
}

/**
 * A secret in the form of a token that claims to be whose it is: tenants of one provider call from one address, and none of them can
 * keep the directory of another out there.
 */
function claimOf(name: string, shown: string): string {
  const sub = createHash('sha256').update(shown).digest('hex');
  return `.${Buffer.from(JSON.stringify({ iss: name, sub })).toString('base64url')}`;
}

/** Of the hashes, which have one length: how long it takes tells nothing of the secret. */
function isSame(shown: string, secret: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(shown), hash(secret));
}

export function headerOf({ headers }: ApiEvent, name: string): string {
  const found = Object.entries(headers).find(([own]) => own.toLowerCase() === name);
  return found?.[1] ?? '';
}

function tooShort(name: string): CustodyError {
  return new CustodyError('config-invalid', 'the directory cannot be let in', {
    detail: `the SCIM secret of the issuer "${name}" is shorter than ${SECRET_MIN} characters`,
  });
}
