import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { proofFile } from '#core/ledger/proof-file.ts';
import type { SessionProof } from '#core/ledger/session-proof.ts';
import { CLOSE, LEDGER_PROOF, SIGNER_KEY } from '#core/recording/layout.ts';
import { type Api, getLedgerProof } from '../api.ts';
import type { EvidenceObject } from '../api-shapes.ts';
import { boundedBody, get, isLoopback } from '../http.ts';
import type { PublicSigner } from '../signer-pin.ts';
import { type EvidencePage, evidencePages, PageAddresses, type Wanted } from './pages.ts';

const OBJECT_TIMEOUT_MS = 10 * 60_000;

/** How far a download is. */
export interface Progress {
  readonly objects: number;
  readonly of: number;
  readonly bytes: number;
}

/**
 * Writes a session's evidence into `folder`, an empty folder of the caller's. The whole listing is checked before the
 * first byte is fetched. `signer` is written where the server lists no `signer.pem` of its own, and the ledger's proof as
 * `ledger.json` where there is one for all that was fetched. `told.proof` hears whether it is,
 * and may refuse it by throwing.
 */
export async function downloadEvidence(
  api: Api,
  wanted: Wanted,
  signer: PublicSigner,
  folder: string,
  told: { progress(progress: Progress): void; proof(proof: SessionProof, isWhole: boolean): void },
): Promise<Progress> {
  const pages: EvidencePage[] = [];
  for await (const page of evidencePages(api, wanted)) pages.push(page);
  const of = pages.reduce((sum, { objects }) => sum + objects.length, 0);
  const done = { objects: 0, bytes: 0 };
  for (const page of pages) {
    const addresses = new PageAddresses(api, wanted, page);
    for (const object of page.objects) {
      await downloadObject(api, addresses, object, join(folder, object.name));
      done.objects += 1;
      done.bytes += object.size;
      told.progress({ ...done, of });
    }
  }
  const lists = (wanted: string): boolean =>
    pages.some(({ objects }) => objects.some(({ name }) => name === wanted));
  const proof = await getLedgerProof(api, wanted.id);
  const proofText = proof && proofFile(proof, lists(CLOSE));
  if (proof !== undefined) told.proof(proof, proofText !== undefined);
  const added: [name: string, text: string | undefined][] = [
    [SIGNER_KEY, signer.pem],
    [LEDGER_PROOF, proofText],
  ];
  let objects = of;
  for (const [name, text] of added) {
    if (text === undefined || lists(name)) continue;
    await writeFile(join(folder, name), text, { flag: 'wx' });
    objects += 1;
  }
  return { objects, of, bytes: done.bytes };
}

/** An address that has expired before its turn came is asked for once more. */
export async function fetchObject(
  api: Api,
  addresses: PageAddresses,
  object: EvidenceObject,
): Promise<Response> {
  let response = await get(objectUrl(api, addresses.of(object)), {}, OBJECT_TIMEOUT_MS);
  if (!response.ok) {
    await addresses.renew(object);
    response = await get(objectUrl(api, addresses.of(object)), {}, OBJECT_TIMEOUT_MS);
  }
  if (response.ok) return response;
  throw new CustodyError('not-found', `${object.name} cannot be fetched: status ${response.status}`);
}

async function downloadObject(
  api: Api,
  addresses: PageAddresses,
  object: EvidenceObject,
  path: string,
): Promise<void> {
  const response = await fetchObject(api, addresses, object);
  const file = await open(path, 'wx');
  try {
    await writeWhole(file, response, object);
  } finally {
    await file.close();
  }
}

async function writeWhole(
  file: FileHandle,
  response: Response,
  { name, size }: EvidenceObject,
): Promise<void> {
  let written = 0;
  for await (const chunk of boundedBody(response, size)) {
    await file.writeFile(chunk);
    written += chunk.length;
  }
  if (written === size) return;
  throw new CustodyError('format-invalid', `${name} has ${written} bytes, and ${size} were announced`, {
    hint: 'run this again',
  });
}

/** https; or http on this machine, if the API is there too: another's server is not to reach what listens here. */
function objectUrl(api: Api, { name, url }: EvidenceObject): URL {
  const parsed = URL.parse(url);
  if (parsed?.protocol === 'https:' || (parsed !== null && isLoopback(parsed) && isLoopback(api.base))) {
    return parsed;
  }
  throw new CustodyError('format-invalid', `the address the server gives for ${name} is not https`);
}
