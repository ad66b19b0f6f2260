/** The gateway's SSH host key in Secrets Manager, and what the API tells of it in the table of access. */
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { CustodyError } from '#core/errors.ts';
import { type HostKeys, hostKeyFrom, newHostKey, type ToldHostKeys } from '#core/protocols/ssh/host-keys.ts';
import type { AccessTable } from '../access-item.ts';
import { awsFailure, reaching } from '../failure.ts';

/**
 * The name of the version that the first task puts. Secrets Manager never changes a version that is there: of two tasks that put
 * one of this name, the later is refused, and reads the other's.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
const FIRST_VERSION = 'custody-first-host-key-000000000001';
const KEY = { kind: 'ssh-host-keys', id: 'shown' };

/** `id`: the secret's name or ARN. The stack makes it empty, so that no template and no deployment ever holds the key. */
export function secretHostKeys(secrets: SecretsManagerClient, id: string): HostKeys {
  return {
    load: async () => {
      const kept = (await current(secrets, id)) ?? (await made(secrets, id));
      try {
        return [hostKeyFrom(kept)];
      } catch (cause) {
        throw unusable(id, cause);
      }
    },
  };
}

/** Public keys alone: whoever reads the table impersonates nobody. */
export function dynamoToldHostKeys({ dynamo, table }: AccessTable): ToldHostKeys {
  return {
    tell: async (lines) => {
      const Item = { ...KEY, lines: [...lines] };
      await reaching('tell the host keys', () => dynamo.send(new PutCommand({ TableName: table, Item })));
    },
    told: async () => {
      const command = new GetCommand({ TableName: table, Key: KEY });
      const { Item } = await reaching('read the host keys', () => dynamo.send(command));
      return (Item?.['lines'] as readonly string[] | undefined) ?? [];
    },
  };
}

/** Undefined while the secret is empty. */
async function current(secrets: SecretsManagerClient, id: string): Promise<string | undefined> {
  try {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: id }));
    if (SecretString !== undefined) return SecretString;
    throw unusable(id, new CustodyError('config-invalid', 'is binary'));
  } catch (thrown) {
    // A secret without a version, and a secret that is not there: the put tells them apart.
    if ((thrown as Error).name === 'ResourceNotFoundException') return undefined;
    throw awsFailure(thrown, 'read the host key');
  }
}

/** Puts a new key, unless another task was quicker; what is in the secret then is everybody's. */
async function made(secrets: SecretsManagerClient, id: string): Promise<string> {
  const put = { SecretId: id, SecretString: newHostKey(), ClientRequestToken: FIRST_VERSION };
  try {
    await secrets.send(new PutSecretValueCommand(put));
  } catch (thrown) {
    if ((thrown as Error).name !== 'ResourceExistsException') throw awsFailure(thrown, 'keep the host key');
  }
  const kept = await current(secrets, id);
  if (kept !== undefined) return kept;
  throw unusable(id, new CustodyError('config-invalid', 'has lost its current version'));
}

function unusable(id: string, cause: unknown): CustodyError {
  const { message, hint } = cause instanceof CustodyError ? cause : { message: 'cannot be read' };
  return new CustodyError('config-invalid', `the host key ${message}`, {
    hint: hint ?? "see the secret of the gateway's host key; with a new key, every client has to be told",
    detail: id,
    cause,
  });
}
