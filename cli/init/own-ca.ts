import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { Ask } from '../aws/ask.ts';
import { describeSecret, secretText } from '../aws/secrets.ts';
import { pairInSecret } from '../findings/certificate.ts';
import type { CertificatePair } from './authority.ts';
import { CA_SECRET } from './plan.ts';

/** The gateway's CA of an earlier time; undefined where there is none. Throws where it is there and cannot be used. */
export async function ownCa(ask: Ask, now: Date): Promise<CertificatePair | undefined> {
  const described = await describeSecret(ask, CA_SECRET);
  if ('refused' in described) {
    if (described.refused.code === 'ResourceNotFoundException') return undefined;
    throw unusable(described.refused.words);
  }
  const found = await secretText(ask, CA_SECRET);
  if ('mistake' in found) throw unusable(found.mistake);
  const read = pairInSecret(found.text);
  if (read === undefined || !read.cert.checkPrivateKey(read.key))
    throw unusable('it holds no CA and its key');
  if (read.cert.validToDate < now) throw unusable(`the CA ended at ${read.cert.validTo}`);
  return parseJson(found.text) as CertificatePair;
}

function unusable(why: string): CustodyError {
  return new CustodyError(
    'config-invalid',
    `the secret ${CA_SECRET} of the gateway's CA cannot be used: ${why}`,
    {
      hint: 'another CA is another file for every client: look into it first, and delete the secret where a new one is meant',
    },
  );
}
