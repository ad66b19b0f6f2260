import type { KMSClient } from '@aws-sdk/client-kms';
import { CustodyError } from '#core/errors.ts';
import { caKeyOf } from '#core/protocols/ssh/keys/certificate-make.ts';
import type { SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import type { Signer } from '#core/recording/ports.ts';
import { kmsSigner } from '../kms-signer.ts';

/** The CA of which `keys` are the ARNs, with commas between: the first signs. Throws `config-invalid` where there is none. */
export function kmsCa(kms: KMSClient, keys: string | undefined): Signer {
  const [newest] = arnsOf(keys);
  if (newest !== undefined) return kmsSigner(kms, newest);
  throw new CustodyError('config-invalid', 'there is no CA for SSH', {
    hint: 'the stack makes its keys; deploy it again',
  });
}

/** All whose certificates are believed: the one that signs, and those before it. */
export function kmsCaKeys(kms: KMSClient, keys: string | undefined): Promise<readonly SshPublicKey[]> {
  return Promise.all(arnsOf(keys).map(async (arn) => caKeyOf(await kmsSigner(kms, arn).publicKey())));
}

function arnsOf(keys = ''): readonly string[] {
  return keys.split(',').filter((arn) => arn !== '');
}
