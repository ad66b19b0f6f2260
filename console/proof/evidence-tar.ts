/** A session's evidence as one archive, as `custody pull` makes its folder. The browser keeps what was fetched, on disk where it is much. */
import { proofFile } from '#core/ledger/proof-file.ts';
import { CLOSE, LEDGER_PROOF, SIGNER_KEY } from '#core/recording/layout.ts';
import type { Api } from '../api/client.ts';
import { tarOf } from '../player/tar.ts';
import { EvidenceLinks, sizeOf } from './evidence-links.ts';
import type { Offered } from './offered.ts';
import { askProof } from './verify-session.ts';

interface Asked {
  readonly api: Api;
  readonly session: string;
  readonly offered: Offered;
  readonly onProgress: (bytes: number, of: number) => void;
}

export async function evidenceTar({ api, session, offered, onProgress }: Asked): Promise<Blob> {
  const { signal } = new AbortController();
  const links = await EvidenceLinks.ask(api, { session, purpose: 'export' }, location.origin, signal);
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
  if (!files.has(SIGNER_KEY)) files.set(SIGNER_KEY, new Blob([offered.pem]));
  if (text !== undefined && !files.has(LEDGER_PROOF)) files.set(LEDGER_PROOF, new Blob([text]));
  return tarOf(`evidence-${session}`, files).tar;
}
