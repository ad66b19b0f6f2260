import type { z } from 'zod';
import { inBatches } from '#core/in-batches.ts';
import { objectKey, sessionPrefix } from '#core/recording/layout.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { EvidenceLinks } from '#core/replay/links.ts';
import type { evidenceQuery, evidenceShape } from '../shapes.ts';
import type { ReadPermission } from './visible.ts';

interface EvidencePorts {
  readonly source: RecordingSource;
  readonly links: EvidenceLinks;
}

/** How many objects are asked for their size at a time. */
const AT_ONCE = 32;

/**
 * A page of everything that is stored for a session, also what should not be there: whoever verifies is to see it.
 * The permission stands for the check that was made.
 */
export async function evidencePage(
  _permission: ReadPermission,
  session: string,
  { limit, cursor = '' }: Pick<z.infer<typeof evidenceQuery>, 'limit' | 'cursor'>,
  ports: EvidencePorts,
): Promise<z.input<typeof evidenceShape>> {
  const names = (await ports.source.list(sessionPrefix(session))).filter((name) => name > cursor);
  const taken = names.slice(0, limit);
  const objects = await inBatches(taken, AT_ONCE, (name) => linked(session, name, ports));
  return names.length > limit ? { session, objects, next: taken.at(-1)! } : { session, objects };
}

async function linked(session: string, name: string, { source, links }: EvidencePorts) {
  const key = objectKey(session, name);
  return { name, size: await source.size(key), url: await links.linkTo(key) };
}
