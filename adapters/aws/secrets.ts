import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { awsFailure } from './failure.ts';

/**
 * The secret's current text, by its name or ARN. Asked for anew each time: a rotated secret is in use from the next session
 * on. `pending`: the version that a rotation has made, and has given the database before anybody finds it current. Rejects with `config-invalid` when there is none, and with `store-unavailable`.
 */
export async function readSecret(
  secrets: SecretsManagerClient,
  id: string,
  stage?: 'pending',
): Promise<string> {
  const version = stage === undefined ? {} : { VersionStage: PENDING };
  try {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: id, ...version }));
    if (SecretString !== undefined) return SecretString;
  } catch (thrown) {
    if (!UNUSABLE.includes((thrown as Error).name)) throw awsFailure(thrown, 'read a secret');
    throw unusable(id, (thrown as Error).name, thrown);
  }
  throw unusable(id, 'it is binary');
}

/** A password: the secret's whole text, or the `password` of the JSON that RDS and its rotation write. */
export async function readPassword(
  secrets: SecretsManagerClient,
  id: string,
  stage?: 'pending',
): Promise<string> {
  const text = await readSecret(secrets, id, stage);
  if (!text.trimStart().startsWith('{')) return text.trimEnd();
  const { password } = parse(text);
  if (typeof password === 'string' && password !== '') return password;
  throw unusable(id, 'it is JSON without a "password"');
}

/** Credentials of directories, as custody.yaml names them. Rejects with `config-invalid`, and `store-unavailable`. */
export function directorySecrets(
  secrets: SecretsManagerClient,
): (place: { readonly secret?: string | undefined }) => Promise<string> {
  return async ({ secret }) => {
    if (secret !== undefined) return readSecret(secrets, secret);
    throw unusable('a file', 'this gateway has none');
  };
}

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_turn-on-for-db.html */
const PENDING = 'AWSPENDING';
const UNUSABLE = ['ResourceNotFoundException', 'AccessDeniedException', 'InvalidRequestException'];

function parse(text: string): { readonly password?: unknown } {
  try {
    return parseJson(text) as { readonly password?: unknown };
  } catch {
    return {};
  }
}

/** Never the text itself: an error may be read by many. */
function unusable(id: string, why: string, cause?: unknown): CustodyError {
  return new CustodyError('config-invalid', 'the gateway cannot read a secret that it needs', {
    hint: 'tell whoever runs the gateway',
    detail: `${id}: ${why}`,
    cause,
  });
}
