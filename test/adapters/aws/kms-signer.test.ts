import { createHash } from 'node:crypto';
import type { KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';

/** What KMS is asked to sign for this message; moto takes a digest for a message, so nothing is signed here. */
async function askedFor(message: Uint8Array): Promise<unknown> {
  const asked: unknown[] = [];
  const send = async ({ input }: SignCommand) => {
    asked.push(input);
    return { Signature: Buffer.from('signed') };
  };
  await kmsSigner({ send } as unknown as KMSClient, 'key-1').sign(message);
  return asked;
}

describe('the signer of KMS', () => {
  it('is given a message as it is, as far as KMS takes one', async () => {
    const message = Buffer.alloc(4096, 7);
    expect(await askedFor(message)).toEqual([
      { KeyId: 'key-1', Message: message, MessageType: 'RAW', SigningAlgorithm: 'ECDSA_SHA_256' },
    ]);
  });

  it('is given the hash of a longer one', async () => {
    const message = Buffer.alloc(4097, 7);
    const hash = createHash('sha256').update(message).digest();
    expect(await askedFor(message)).toEqual([
      { KeyId: 'key-1', Message: hash, MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' },
    ]);
  });
});
