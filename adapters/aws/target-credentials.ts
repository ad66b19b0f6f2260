import type { Target } from '#core/access/config.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { SecretReference } from '#core/protocols/protocol.ts';
import type { AwsClients } from './clients.ts';
import { eksToken } from './eks-token.ts';
import { rdsToken } from './rds-token.ts';
import { readPassword, readSecret } from './secrets.ts';
import { type TakenCredentials, takenRole } from './taken-role.ts';

export interface CredentialPorts extends Pick<AwsClients, 'secrets' | 'sts'> {
  readonly region: string;
  /** A client for the account of a role that was taken. */
  readonly secretsAs: (credentials: () => Promise<TakenCredentials>) => AwsClients['secrets'];
  readonly now: () => Date;
}

/** A target's credential, by the reference that its protocol makes of the configuration. Rejects with `target-refused`, and `store-unavailable`. */
export function targetCredentials(
  ports: CredentialPorts,
): (target: Target, reference: SecretReference) => Promise<string> {
  const { region, sts } = ports;
  const accounts = otherAccounts(ports);
  return async (target, reference) => {
    try {
      switch (reference.kind) {
        case 'secret':
          return await readCredential(accounts(target, reference)?.secrets ?? ports.secrets, reference);
        case 'rds':
          return await rdsToken(target, reference.user, region, accounts(target, reference)?.credentials);
        case 'eks':
          return await eksToken(sts, region, reference);
        case 'file':
          break;
      }
    } catch (thrown) {
      throw noCredential(target, thrown);
    }
    throw noCredential(target, 'its credential is a file, and this gateway has none');
  };
}

interface Account {
  readonly credentials: () => Promise<TakenCredentials>;
  readonly secrets: AwsClients['secrets'];
}

/** Of roles to take, which custody.yaml names: each target's by itself, so that the other account sees which it was. */
function otherAccounts({ sts, secretsAs, now }: CredentialPorts) {
  const known = new Map<string, Account>();
  return ({ name }: Target, { role }: { readonly role?: string | undefined }): Account | undefined => {
    if (role === undefined) return undefined;
    const key = `${name} ${role}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const session = `custody-${name}`.slice(0, SESSION_MAX);
    const credentials = takenRole(sts, { role, session }, now);
    const account = { credentials, secrets: secretsAs(credentials) };
    known.set(key, account);
    return account;
  };
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const SESSION_MAX = 64;

/** A key is a text of its own; a password may stand in JSON, as Secrets Manager itself writes it. */
function readCredential(
  secrets: AwsClients['secrets'],
  { what, secret, stage }: Extract<SecretReference, { kind: 'secret' }>,
): Promise<string> {
  return what === 'password' ? readPassword(secrets, secret, stage) : readSecret(secrets, secret, stage);
}

function noCredential({ name }: Target, cause: unknown): CustodyError {
  const { code, detail = '' } =
    typeof cause === 'string' ? { code: '', detail: cause } : asCustodyError(cause);
  if (code === 'store-unavailable') return asCustodyError(cause);
  return new CustodyError('target-refused', `the gateway has no credential for the target "${name}"`, {
    hint: 'tell whoever runs the gateway',
    detail,
    cause,
  });
}
