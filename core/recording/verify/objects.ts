import { asCustodyError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import type { EvidenceFolder } from './folder.ts';
import type { Report } from './report.ts';

/** What is in an evidence folder, and how to get at it without ever throwing. */
export interface Objects {
  readonly names: ReadonlySet<string>;
  /** The bytes of `name`, or undefined after a finding. Ask only for names that are there. */
  read(name: string, atMost: number): Promise<Uint8Array | undefined>;
}

/** Lists the folder once. Rejects only when the folder itself cannot be listed. */
export async function openObjects(folder: EvidenceFolder, report: Report): Promise<Objects> {
  const names = new Set(await folder.list());
  return { names, read: (name, atMost) => readBounded(folder, name, atMost, report) };
}

async function readBounded(folder: EvidenceFolder, name: string, atMost: number, report: Report) {
  try {
    const bytes = await folder.get(name, atMost);
    if (bytes.length <= atMost) return bytes;
    report('object-too-large', name, `${name} is longer than the ${atMost} bytes it may have`);
  } catch (thrown) {
    const error = asCustodyError(thrown);
    if (error.code === 'format-invalid') {
      report('object-too-large', name, `${name} is longer than the ${atMost} bytes it may have`);
    } else {
      report('object-unreadable', name, `${name} cannot be read: ${printable(error.message)}`);
    }
  }
  return undefined;
}
