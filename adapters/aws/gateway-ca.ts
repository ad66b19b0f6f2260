import { posix } from 'node:path';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { CustodyError } from '#core/errors.ts';
import type { ConfigPlace } from './config-place.ts';
import { awsFailure } from './failure.ts';

/** Beside custody.yaml, where the gateway's certificate is not of a public CA. */
export const GATEWAY_CA = 'gateway-ca.pem';
/** What clients take. */
const MAX_BYTES = 64 << 10;

/** What clients verify the gateway with; nothing where no file says so. Rejects with `config-invalid`, `store-unavailable`. */
export async function gatewayCa({
  s3,
  bucket,
  key,
}: Omit<ConfigPlace, 'folder'>): Promise<{ readonly caPem?: string }> {
  const Key = posix.join(posix.dirname(key), GATEWAY_CA);
  try {
    const { Body, ContentLength = 0 } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    if (ContentLength <= MAX_BYTES) return { caPem: await Body!.transformToString() };
  } catch (thrown) {
    if ((thrown as Error).name === 'NoSuchKey') return {};
    throw awsFailure(thrown, `read ${Key}`);
  }
  throw new CustodyError('config-invalid', `${GATEWAY_CA} is longer than ${MAX_BYTES} bytes`, {
    hint: 'leave in it only the certificate of the CA that signed the gateway’s',
  });
}
