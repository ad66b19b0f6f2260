/** What somebody sends to register a key, and what it proves. */
import { createHash } from 'node:crypto';
import type { DevicesConfig } from '../../access/devices-schema.ts';
import { asCustodyError, CustodyError } from '../../errors.ts';
import { checkAttestation } from '../../protocols/ssh/keys/attestation.ts';
import { formatKeyLine, parsePublicKeyLine } from '../../protocols/ssh/keys/key-line.ts';
import type { SshPublicKey } from '../../protocols/ssh/keys/public-key.ts';
import { verifySshSig } from '../../protocols/ssh/keys/sshsig.ts';
import { sameBytes } from '../../protocols/ssh/wire.ts';
import type { KeptKey } from './device.ts';

/** The namespace of the signature: one for a file, a commit or another service is good for nothing here. */
export const DEVICE_NAMESPACE = 'custody-device';

export interface Registration {
  readonly name: string;
  /** A line as in `id_ed25519.pub`. */
  readonly publicKey: string;
  /** As it was given out. */
  readonly challenge: string;
  /** Over the challenge's bytes, by `ssh-keygen -Y sign -n custody-device`. */
  readonly signature: string;
  /** What `ssh-keygen -O write-attestation` wrote when the key was made for this challenge. */
  readonly attestation?: Uint8Array;
}

/** A key that was proved to be held by whoever answered the challenge. */
export interface HeldKey {
  readonly id: string;
  readonly publicKey: string;
  readonly kept: KeptKey;
}

/**
 * What a registration proves, as of a challenge that is ours. Throws `format-invalid` for a key, a signature or an attestation that is
 * none or not good, and `unsupported` for a certificate or a key of a kind that is not taken.
 */
export function heldKey(registration: Registration, config: DevicesConfig, now: Date): HeldKey {
  const { publicKey, challenge, signature, attestation } = registration;
  const key = completing('the key', () => parsePublicKeyLine(publicKey));
  const signed = completing('the signature', () =>
    verifySshSig(signature, Buffer.from(challenge), DEVICE_NAMESPACE),
  );
  if (!sameBytes(signed.key.blob, key.blob)) throw invalid('the signature is of another key than this one');
  const attested = attestedModel(key, challenge, attestation, config, now);
  return {
    id: key.fingerprint,
    publicKey: formatKeyLine(key.blob),
    kept: {
      fido: key.application !== undefined,
      userVerified: signed.authenticator?.verified === true,
      ...attested,
    },
  };
}

/** As stores know a challenge: whoever reads a store cannot answer with it. */
export function challengeHash(challenge: string): string {
  return createHash('sha256').update(challenge).digest('hex');
}

function attestedModel(
  key: SshPublicKey,
  challenge: string,
  attestation: Uint8Array | undefined,
  { attestation: wanted }: DevicesConfig,
  now: Date,
): Pick<KeptKey, 'attested' | 'model'> {
  if (attestation !== undefined && wanted !== undefined) {
    const terms = { challenge: Buffer.from(challenge), roots: wanted.roots, now };
    const { model } = completing('the attestation', () => checkAttestation(key, attestation, terms));
    return { attested: true, ...(model === undefined ? {} : { model }) };
  }
  // Nobody here knows whom to believe about authenticators.
  if (wanted?.required !== true) return { attested: false };
  throw new CustodyError('format-invalid', 'an attestation of the FIDO authenticator is missing', {
    hint: 'make the key with: ssh-keygen -t ed25519-sk -O challenge=FILE -O write-attestation=FILE',
  });
}

/** Its words complete `what`. */
function completing<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const { code, message, hint, detail } = asCustodyError(thrown);
    if (code === 'internal') throw thrown;
    const words = code === 'unsupported' ? message : `${what} ${message}`;
    throw new CustodyError(code === 'unsupported' ? code : 'format-invalid', words, {
      ...(hint === undefined ? {} : { hint }),
      ...(detail === undefined ? {} : { detail }),
      cause: thrown,
    });
  }
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
