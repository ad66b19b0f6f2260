import type { Cli } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { sourceOf } from '../evidence/source.ts';
import { expectedLedger } from '../ledger-pin.ts';
import type { ReadingOptions } from '../play/evidence-reading.ts';
import { knownSigners } from '../signer-pin.ts';
import { folderSteps } from './folder-steps.ts';
import { remoteSteps } from './remote-steps.ts';
import type { StepPages } from './step-page.ts';

/** Steps of a session by its id, from the server, or of an evidence folder, through an index beside it. */
export async function openSteps(cli: Cli, name: string, options: ReadingOptions): Promise<StepPages> {
  const { folder, session } = await sourceOf(name);
  if (folder === undefined) return remoteSteps(await connectApi(cli), session);
  return folderSteps(cli, folder, {
    signers: knownSigners(cli, options.key),
    ledger: expectedLedger(cli, options),
  });
}
