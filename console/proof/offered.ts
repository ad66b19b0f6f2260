/** What the gateway says of itself: its signing key, and the ledger that its checkpoint names. Believed by nobody before it is compared. */
import { CustodyError } from '#core/errors.ts';
import type { Api } from '../api/client.ts';
import { getPublic } from '../api/client.ts';
import { asProblem } from '../api/problem.ts';
import type { Signer } from '../api/proof.ts';
import { createHash, createPublicKey } from '../platform/crypto.ts';

export interface Offered {
  readonly pem: string;
  /** SubjectPublicKeyInfo. */
  readonly der: Uint8Array;
  /** Computed here of the key, whatever the API says of it. */
  readonly fingerprint: string;
  /** The newest checkpoint, a signed note; undefined while the ledger is empty. */
  readonly note: string | undefined;
  /** The ledger as the note names itself; undefined without one. */
  readonly ledger: string | undefined;
}

export async function askOffered(api: Api, signal: AbortSignal): Promise<Offered> {
  const [{ pem }, note] = await Promise.all([getPublic<Signer>('/v1/signer'), newestNote(api, signal)]);
  return { ...keyOf(pem), pem, note, ledger: note?.split('\n', 1)[0] };
}

async function newestNote(api: Api, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await (await api.fetch('/v1/ledger/checkpoint', { signal })).text();
  } catch (thrown) {
    if (asProblem(thrown).code === 'not-found') return undefined;
    throw thrown;
  }
}

function keyOf(pem: string): Pick<Offered, 'der' | 'fingerprint'> {
  try {
    const key = createPublicKey({ key: pem, format: 'pem' });
    if (key.asymmetricKeyDetails.namedCurve !== 'prime256v1') throw new Error('of another kind');
    const der = key.export({ type: 'spki', format: 'der' }) as Uint8Array;
    return { der, fingerprint: createHash('sha256').update(der).digest('hex') };
  } catch {
    throw new CustodyError('format-invalid', 'the gateway’s signing key is not a P-256 public key in PEM');
  }
}
