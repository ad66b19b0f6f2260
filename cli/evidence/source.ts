import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { type Api, apiAddress } from '../api.ts';
import type { Cli } from '../cli.ts';
import { sizeText } from '../listing.ts';
import { isSessionId } from '../session-id.ts';
import { checkSigner, type PublicSigner } from '../signer-pin.ts';
import { currentToken } from '../tokens.ts';
import { downloadEvidence, type Progress } from './download.ts';
import type { Wanted } from './pages.ts';

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
): Promise<void> {
  if (await isFolder(name)) return work({ folder: name, session: undefined });
  if (!isSessionId(name)) throw neither(name);
  const folder = await mkdtemp(join(tmpdir(), 'custody-'));
  try {
    await fetchEvidence(cli, { id: name, purpose: 'replay' }, folder);
    await work({ folder, session: name });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Fetches a session's evidence into an empty folder, after its signer was held against the pinned one. */
export async function fetchEvidence(cli: Cli, wanted: Wanted, folder: string): Promise<Progress> {
  const api: Api = { base: apiAddress(cli), token: await currentToken(cli) };
  const signer: PublicSigner = await checkSigner(cli, { base: api.base });
  try {
    return await downloadEvidence(api, wanted, signer, folder, (progress) => showProgress(cli, progress));
  } finally {
    if (cli.stderr.isTTY) cli.stderr.write('\r\x1b[K');
  }
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
