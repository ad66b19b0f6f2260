import { createHash, createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { CustodyError } from '#core/errors.ts';
import type { Signer } from '#core/recording/ports.ts';
import { reaching } from './failure.ts';

/** KMS signs messages of at most this many bytes itself; statements and checkpoints are never longer, results of tasks may be. */
const RAW_MAX_BYTES = 4096;

/**
 * Signs with a KMS key (ECC_NIST_P256): whoever calls it has the message, as nobody who only has a hash gets a signature.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
 */
export function kmsSigner(kms: KMSClient, keyId: string): Signer {
  let known: Promise<Uint8Array> | undefined;
  return {
    sign: (message) => sign(kms, keyId, message),
    publicKey: () => {
      known ??= publicKey(kms, keyId);
      // A key that could not be fetched is asked for again.
      known.catch(() => (known = undefined));
      return known;
    },
  };
}

async function sign(kms: KMSClient, KeyId: string, message: Uint8Array): Promise<Uint8Array> {
  const input = { KeyId, ...whatIsSent(message), SigningAlgorithm: 'ECDSA_SHA_256' } as const;
  const { Signature } = await reaching('sign', () => kms.send(new SignCommand(input)));
  if (Signature === undefined || Signature.byteLength === 0) {
    throw new CustodyError('internal', 'the gateway cannot sign', {
      detail: 'KMS answered without a signature',
    });
  }
  return Signature;
}

/** What is longer goes as the hash that the signature is over anyway. */
function whatIsSent(Message: Uint8Array) {
  if (Message.byteLength <= RAW_MAX_BYTES) return { Message, MessageType: 'RAW' } as const;
  return { Message: createHash('sha256').update(Message).digest(), MessageType: 'DIGEST' } as const;
}

async function publicKey(kms: KMSClient, KeyId: string): Promise<Uint8Array> {
  const { PublicKey } = await reaching('public key', () => kms.send(new GetPublicKeyCommand({ KeyId })));
  if (PublicKey !== undefined && isP256(PublicKey)) return PublicKey;
  throw new CustodyError('config-invalid', 'the signing key is of another kind', {
    hint: 'it has to be an ECC_NIST_P256 key for signing',
    detail: KeyId,
  });
}

function isP256(der: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  return key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}
