import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import type { SessionProof } from '#core/ledger/session-proof.ts';
import { type Api, apiAddress, type Purpose } from '../api.ts';
import { type Cli, say } from '../cli.ts';
import { checkLedger } from '../ledger-pin.ts';
import { sizeText } from '../listing.ts';
import { isSessionId } from '../session-id.ts';
import { checkSigner, type PublicSigner } from '../signer-pin.ts';
import { currentToken } from '../tokens.ts';
import { downloadEvidence, type Progress } from './download.ts';
import type { Wanted } from './pages.ts';

const UNPROVED =
  "note: the session's end is not in the ledger yet: without its proof, ledger.json is left out; it is there in a minute";

/** Evidence as files of this machine. */
export interface EvidenceSource {
  readonly folder: string;
  /** The session that was asked for; undefined: whichever the folder holds. */
  readonly session: string | undefined;
}

/**
 * Hands `work` the evidence that `name` means: a folder, used where it is and without a network; or a session id, whose
 * evidence is fetched into a folder that only the owner may enter and that is gone when `work` is done.
 */
export async function withEvidence(
  cli: Cli,
  name: string,
  work: (source: EvidenceSource) => Promise<void>,
  purpose: Purpose = 'replay',
): Promise<void> {
  const source = await sourceOf(name);
  if (source.folder !== undefined) return work(source);
  const folder = await mkdtemp(join(tmpdir(), 'custody-'));
  try {
    await fetchEvidence(cli, { id: name, purpose }, folder);
    await work({ folder, session: name });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a name means: a folder, else the id of a session. Rejects with `not-found` when it is neither. */
export async function sourceOf(
  name: string,
): Promise<EvidenceSource | { readonly folder: undefined; readonly session: string }> {
  if (await isFolder(name)) return { folder: name, session: undefined };
  if (isSessionId(name)) return { folder: undefined, session: name };
  throw neither(name);
}

/** Fetches a session's evidence into an empty folder, after its signer and its ledger were held against those pinned. */
export async function fetchEvidence(cli: Cli, wanted: Wanted, folder: string): Promise<Progress> {
  const api: Api = { base: apiAddress(cli), token: await currentToken(cli) };
  const signer: PublicSigner = await checkSigner(cli, { base: api.base });
  try {
    return await downloadEvidence(api, wanted, signer, folder, {
      progress: (progress) => showProgress(cli, progress),
      proof: (proof, isWhole) => takeProof(cli, signer, proof, isWhole),
    });
  } finally {
    if (cli.stderr.isTTY) cli.stderr.write('\r\x1b[K');
  }
}

/** Holds the ledger of a proof against the pinned one, and says where it does not prove all yet. */
export function takeProof(
  cli: Cli,
  signer: PublicSigner,
  { checkpoint }: SessionProof,
  isWhole: boolean,
): void {
  checkLedger(cli, checkpoint, signer);
  if (!isWhole) say(cli, UNPROVED);
}

/** One line that changes, on a terminal only. */
function showProgress(cli: Cli, { objects, of, bytes }: Progress): void {
  if (cli.stderr.isTTY) cli.stderr.write(`\r\x1b[K${objects} of ${of} objects, ${sizeText(bytes)}`);
}

async function isFolder(name: string): Promise<boolean> {
  return stat(name).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

function neither(name: string): CustodyError {
  return new CustodyError('not-found', `${name} is neither a folder nor a session id`, {
    hint: 'custody sessions lists the ids; custody pull <id> --out DIR makes an evidence folder',
  });
}
