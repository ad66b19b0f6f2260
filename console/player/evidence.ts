/** Evidence in a browser: out of the page itself, or out of files that somebody picked. */
import { CustodyError } from '#core/errors.ts';
import type { EvidenceFolder } from '#core/recording/verify/folder.ts';
import { type BundleManifest, evidenceId } from './bundle-format.ts';

export interface EvidenceFiles extends EvidenceFolder {
  /** In the order of their names. */
  readonly files: ReadonlyMap<string, Blob>;
}

export function evidenceOf(files: ReadonlyMap<string, Blob>): EvidenceFiles {
  return {
    files,
    list: async () => [...files.keys()],
    get: async (name, atMost) => {
      const file = files.get(name);
      if (file === undefined) throw new CustodyError('not-found', 'it is not there');
      if (file.size > atMost) throw new CustodyError('format-invalid', 'it is too long');
      return new Uint8Array(await file.arrayBuffer());
    },
  };
}

/** As much as this needs of a document. */
interface Page {
  getElementById(id: string): { readonly textContent: string | null; remove(): void } | null;
}

/** Takes the evidence out of the page, which is smaller then. */
export async function takeEvidence(page: Page, { files }: BundleManifest): Promise<EvidenceFiles> {
  const taken = new Map<string, Blob>();
  for (const [at, { name }] of files.entries()) {
    const element = page.getElementById(evidenceId(at));
    const bytes = bytesOf((element?.textContent ?? '').trim());
    element?.remove();
    taken.set(name, new Blob([bytes]));
    await pause();
  }
  return evidenceOf(taken);
}

/** Files of a picked folder: the last part of their paths names them. Two of one name are no evidence. */
export function pickedEvidence(picked: Iterable<File>): EvidenceFiles {
  const files = new Map<string, Blob>();
  for (const file of picked) {
    if (files.has(file.name))
      throw new CustodyError(
        'format-invalid',
        `two of the files are called ${file.name}: pick one evidence folder`,
      );
    files.set(file.name, file);
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  return evidenceOf(new Map(sorted));
}

/** Lets the browser draw. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}

/** What is no base64 is no evidence: the verifier says so of a file without bytes. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
    return bytes;
  } catch {
    return new Uint8Array(0);
  }
}
