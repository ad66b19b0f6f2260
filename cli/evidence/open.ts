import type { EvidenceFolder } from '#core/recording/verify/verify.ts';
import { type Api, apiAddress, type Purpose } from '../api.ts';
import type { Cli } from '../cli.ts';
import { checkSigner } from '../signer-pin.ts';
import { currentToken } from '../tokens.ts';
import { localFolder } from './local-folder.ts';
import { RemoteFolder } from './remote-folder.ts';
import { sourceOf, takeProof } from './source.ts';

/** Evidence that is read once, from its start on. */
export interface OpenEvidence {
  readonly folder: EvidenceFolder;
  /** The session that was asked for; undefined: whichever the folder holds. */
  readonly session: string | undefined;
  /** Throws what kept an object from being read and is no fault of the evidence. */
  readonly throwFailure: () => void;
}

/**
 * The evidence that `name` means, without a copy of it: a folder, without a network; or a session id, after its signer and
 * its ledger were held against those pinned. Rejects with `not-found` when it is neither.
 */
export async function openEvidence(
  cli: Cli,
  name: string,
  purpose: Purpose = 'replay',
): Promise<OpenEvidence> {
  const { folder, session } = await sourceOf(name);
  if (folder !== undefined) return { folder: localFolder(folder), session, throwFailure: () => undefined };
  const api: Api = { base: apiAddress(cli), token: await currentToken(cli) };
  const signer = await checkSigner(cli, { base: api.base });
  const wanted = { id: session, purpose };
  const remote = await RemoteFolder.open(api, wanted, signer, (proof, isWhole) =>
    takeProof(cli, signer, proof, isWhole),
  );
  return { folder: remote, session, throwFailure: () => remote.throwFailure() };
}
