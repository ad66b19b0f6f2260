/** What a server lists of a session's evidence, before any of it is taken out. */
import { CustodyError } from '../../errors.ts';
import { ENVELOPE_MAX_BYTES } from '../../tasks/proof/dsse.ts';
import { SEGMENT_FILE_MAX_BYTES, STATEMENT_MAX_BYTES } from '../format.ts';
import { CLOSE, OPEN, SIGNER_KEY, segmentNumber, signatureName, TASK_RESULT } from '../layout.ts';

interface Listed {
  readonly name: string;
  readonly size: number;
}

const SMALL_MAX_BYTES = 4096;
/** In segments of 8 MiB, as the gateway makes them: 8 TB. */
const OBJECTS_MAX = 1_000_000;

const smallFiles = new Map([
  [OPEN, STATEMENT_MAX_BYTES],
  [CLOSE, STATEMENT_MAX_BYTES],
  [signatureName(OPEN), SMALL_MAX_BYTES],
  [signatureName(CLOSE), SMALL_MAX_BYTES],
  [SIGNER_KEY, SMALL_MAX_BYTES],
  [TASK_RESULT, ENVELOPE_MAX_BYTES],
]);

/** The most bytes an evidence file of this name may have; undefined when FORMAT.md knows no such name. */
function evidenceFileLimit(name: string): number | undefined {
  return segmentNumber(name) === undefined ? smallFiles.get(name) : SEGMENT_FILE_MAX_BYTES;
}

/**
 * Throws `format-invalid` unless every object has a name of FORMAT.md, once, and a size that such a file may have: a
 * server chooses neither where its bytes go nor how many come. `seen` holds the names of earlier pages, and gets these.
 */
export function checkListing(objects: Iterable<Listed>, seen = new Set<string>()): void {
  for (const { name, size } of objects) {
    const limit = evidenceFileLimit(name);
    if (limit === undefined) throw refused(name, 'is not a name of an evidence file');
    if (seen.has(name)) throw refused(name, 'is listed twice');
    if (size > limit) throw refused(name, `would have ${size} bytes, and may have ${limit}`);
    if (seen.size >= OBJECTS_MAX) throw refused(name, `is one of more than ${OBJECTS_MAX} objects`);
    seen.add(name);
  }
}

function refused(name: string, why: string): CustodyError {
  return new CustodyError(
    'format-invalid',
    `the server's evidence is refused: ${name.slice(0, 120)} ${why}`,
    {
      hint: 'nothing was written; tell whoever runs the gateway',
    },
  );
}
