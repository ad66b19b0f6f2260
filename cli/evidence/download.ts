import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { SIGNER_KEY } from '#core/recording/layout.ts';
import { type Api, getEvidence } from '../api.ts';
import type { EvidenceObject } from '../api-shapes.ts';
import { boundedBody, get, isLoopback } from '../http.ts';
import type { PublicSigner } from '../signer-pin.ts';
import { checkListing } from './limits.ts';

const OBJECT_TIMEOUT_MS = 10 * 60_000;

/** How far a download is. */
export interface Progress {
  readonly objects: number;
  readonly of: number;
  readonly bytes: number;
}

/**
 * Writes a session's evidence into `folder`, an empty folder of the caller's. The listing is checked before the first
 * byte is fetched. `signer` is written where the server lists no `signer.pem` of its own.
 */
export async function downloadEvidence(
  api: Api,
  id: string,
  signer: PublicSigner,
  folder: string,
  progress: (progress: Progress) => void,
): Promise<Progress> {
  const { objects } = await getEvidence(api, id);
  checkListing(objects);
  let bytes = 0;
  for (const [at, object] of objects.entries()) {
    await downloadObject(api, id, object, join(folder, object.name));
    bytes += object.size;
    progress({ objects: at + 1, of: objects.length, bytes });
  }
  const hasSigner = objects.some(({ name }) => name === SIGNER_KEY);
  if (!hasSigner) await writeFile(join(folder, SIGNER_KEY), signer.pem, { flag: 'wx' });
  return { objects: objects.length + (hasSigner ? 0 : 1), of: objects.length, bytes };
}

/** Addresses live for a minute or so: one that has expired before its turn came is asked for once more. */
async function downloadObject(api: Api, id: string, object: EvidenceObject, path: string): Promise<void> {
  let response = await get(objectUrl(api, object), {}, OBJECT_TIMEOUT_MS);
  if (!response.ok) response = await get(await freshUrl(api, id, object), {}, OBJECT_TIMEOUT_MS);
  if (!response.ok) {
    throw new CustodyError('not-found', `${object.name} cannot be fetched: status ${response.status}`);
  }
  const file = await open(path, 'wx');
  try {
    await writeWhole(file, response, object);
  } finally {
    await file.close();
  }
}

async function freshUrl(api: Api, id: string, { name, size }: EvidenceObject): Promise<URL> {
  const { objects } = await getEvidence(api, id);
  const again = objects.find((object) => object.name === name && object.size === size);
  if (again !== undefined) return objectUrl(api, again);
  throw new CustodyError('not-found', `${name} is no longer in the server's listing`);
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
