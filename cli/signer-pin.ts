import { createHash, createPublicKey } from 'node:crypto';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { SIGNER_KEY } from '#core/recording/layout.ts';
import { type Api, getSigner } from './api.ts';
import { type Cli, say } from './cli.ts';
import { readGivenFile } from './given-file.ts';

const PEM_MAX_BYTES = 16 << 10;

/** A public key that evidence may be signed with. */
export interface PublicSigner {
  readonly pem: string;
  /** SubjectPublicKeyInfo. */
  readonly der: Uint8Array;
  /** SHA-256 of `der`, lower-case hexadecimal. */
  readonly fingerprint: string;
}

/** Throws `format-invalid` when the text is not a P-256 public key in PEM. `where` is for the message. */
export function parseSigner(text: string, where: string): PublicSigner {
  try {
    const key = createPublicKey({ key: text, format: 'pem' });
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1' && !text.includes('PRIVATE')) {
      const der = key.export({ type: 'spki', format: 'der' });
      const pem = key.export({ type: 'spki', format: 'pem' }).toString();
      return { pem, der, fingerprint: createHash('sha256').update(der).digest('hex') };
    }
  } catch {
    // Said below, like a key of another kind.
  }
  throw new CustodyError('format-invalid', `${where} does not hold a P-256 public key in PEM`);
}

/** The key pinned in CUSTODY_HOME. */
function pinnedSigner(cli: Cli): PublicSigner | undefined {
  const text = cli.home.read(SIGNER_KEY);
  return text === undefined ? undefined : parseSigner(text, cli.home.path(SIGNER_KEY));
}

/**
 * The signers to trust: those in `files`, or the pinned one where none are given. An auditor's own word is not mixed with
 * what this machine pinned. Empty when nothing is known.
 */
export function knownSigners(cli: Cli, files: readonly string[] | undefined): readonly PublicSigner[] {
  if (files !== undefined) return files.map((file) => parseSigner(readKey(file), file));
  const signer = pinnedSigner(cli);
  return signer === undefined ? [] : [signer];
}

/** As `knownSigners`, at least one. Throws `not-found`. */
export function trustedSigners(cli: Cli, files: readonly string[] | undefined): readonly PublicSigner[] {
  const signers = knownSigners(cli, files);
  if (signers.length > 0) return signers;
  throw new CustodyError('not-found', 'no signer is known to trust', {
    hint: 'give its public key: --key signer.pem',
  });
}

function readKey(file: string): string {
  try {
    return readGivenFile(file, PEM_MAX_BYTES);
  } catch (cause) {
    throw new CustodyError('not-found', `the key ${file} cannot be read: ${asCustodyError(cause).message}`, {
      hint: "give the signer's public key in PEM, from a source other than the evidence folder",
      cause,
    });
  }
}

/**
 * Pins the API's signing key at first use, and refuses another one ever after: a gateway that was swapped or a key
 * that was replaced must not go unnoticed.
 */
export async function checkSigner(cli: Cli, api: Api): Promise<PublicSigner> {
  const offered = parseSigner((await getSigner(api)).pem, `${api.base.origin}/v1/signer`);
  const pinned = pinnedSigner(cli);
  if (pinned === undefined) pin(cli, api, offered);
  else if (pinned.fingerprint !== offered.fingerprint) throw changed(cli, api, pinned, offered);
  return offered;
}

function pin(cli: Cli, api: Api, { pem, fingerprint }: PublicSigner): void {
  cli.home.write(SIGNER_KEY, pem);
  say(cli, `pinned the signing key of ${api.base.origin} at first use: ${fingerprint}`);
  say(cli, `compare it with the one its operator gives you; it is kept in ${cli.home.path(SIGNER_KEY)}`);
}

function changed(cli: Cli, api: Api, pinned: PublicSigner, offered: PublicSigner): CustodyError {
  const path = cli.home.path(SIGNER_KEY);
  const message =
    `THE SIGNING KEY OF THE GATEWAY HAS CHANGED: ${api.base.origin} signs with ${offered.fingerprint}, ` +
    `pinned is ${pinned.fingerprint}. It is another gateway, a new data folder, or someone in between`;
  return new CustodyError('state-damaged', message, {
    hint: `ask its operator; if the new key is right, mv ${path} ${path}.old and run this again`,
  });
}
