import { asCustodyError } from '#core/errors.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { type Api, getSigner, getText } from '../api.ts';
import type { Cli } from '../cli.ts';
import { bad, type Finding, good } from '../findings/finding.ts';
import { counted } from '../listing.ts';
import { pinnedLedger } from '../ledger-pin.ts';
import { knownSigners, parseSigner } from '../signer-pin.ts';

/** Whether the newest checkpoint is signed by the key that this machine pinned, for the ledger that it pinned. Pins nothing itself. */
export async function ledgerFindings(cli: Cli, api: Api): Promise<readonly Finding[]> {
  const offered = parseSigner((await getSigner(api)).pem, `${api.base.origin}/v1/signer`);
  const pinned = knownSigners(cli, undefined);
  const mistake = {
    why: 'it is another gateway, or somebody in between',
    todo: 'ask who runs it, before anything else',
  };
  if (pinned.length > 0 && pinned.every(({ fingerprint }) => fingerprint !== offered.fingerprint))
    return [bad('signing key', `it is ${offered.fingerprint}, and another one is pinned here`, mistake)];
  if (api.token === undefined) return [good('signing key', offered.fingerprint)];
  const { text: note } = await getText(api, '/v1/ledger/checkpoint');
  const [named = ''] = note.split('\n', 1);
  const origin = pinnedLedger(cli) ?? named;
  try {
    const { size } = openCheckpoint(note, origin, offered.der);
    return [good('ledger', `${origin}: ${counted(size, 'leaf', 'leaves')} under a good signature`)];
  } catch (thrown) {
    return [bad('ledger', asCustodyError(thrown).message, mistake)];
  }
}
