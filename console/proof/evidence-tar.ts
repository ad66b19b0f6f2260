/** A session's evidence as one archive, as `custody pull` makes its folder. The browser keeps what was fetched, on disk where it is much. */
import { proofFile } from '#core/ledger/proof-file.ts';
import { CLOSE, LEDGER_PROOF, SIGNER_KEY } from '#core/recording/layout.ts';
import { checkListing } from '#core/recording/verify/listing.ts';
import type { Api } from '../api/client.ts';
import { tarOf } from '../player/tar.ts';
import { askProof } from './ask-proof.ts';
import { EvidenceLinks, sizeOf } from './evidence-links.ts';

interface Asked {
  readonly api: Api;
  readonly session: string;
  /** Of the gateway's signer, where none is listed. */
  readonly pem: string;
  /** The page's own. */
  readonly origin: string;
  readonly onProgress: (bytes: number, of: number) => void;
}

/** Rejects with `format-invalid`, before the first byte is fetched, where anything is listed that is no evidence. */
export async function evidenceTar({ api, session, pem, origin, onProgress }: Asked): Promise<Blob> {
  const { signal } = new AbortController();
  const links = await EvidenceLinks.ask(api, { session, purpose: 'export' }, origin, signal);
  checkListing(links.objects.values());
  const files = new Map<string, Blob>();
  let bytes = 0;
  for (const name of links.objects.keys()) {
    const file = await (await links.fetch(name, signal)).blob();
    files.set(name, file);
    bytes += file.size;
    onProgress(bytes, sizeOf(links));
  }
  const proof = await askProof(api, session, signal);
  const text = proof && proofFile(proof, files.has(CLOSE));
  if (!files.has(SIGNER_KEY)) files.set(SIGNER_KEY, new Blob([pem]));
  if (text !== undefined && !files.has(LEDGER_PROOF)) files.set(LEDGER_PROOF, new Blob([text]));
  return tarOf(`evidence-${session}`, files);
}
