import { CustodyError } from '#core/errors.ts';
import { type Api, getEvidence, type Purpose } from '../api.ts';
import type { EvidenceObject } from '../api-shapes.ts';
import { checkListing } from '#core/recording/verify/listing.ts';

/** Evidence of which session, and what for. */
export interface Wanted {
  readonly id: string;
  readonly purpose: Purpose;
}

/** Some objects of a session, in order of their names, and the cursor that gives them again. */
export interface EvidencePage {
  readonly cursor: string | undefined;
  readonly objects: readonly EvidenceObject[];
}

/**
 * What the server lists of a session, a page at a time, from a cursor on. Each page is checked before it is given.
 * Throws `format-invalid` for one that no honest server makes; so the pages end.
 */
export async function* evidencePages(
  api: Api,
  { id, purpose }: Wanted,
  from?: string,
): AsyncGenerator<EvidencePage, void, undefined> {
  const seen = new Set<string>();
  let cursor = from;
  do {
    const { objects, next } = await getEvidence(api, id, purpose, cursor);
    checkListing(objects, seen);
    if (objects.length === 0 && next !== undefined) throw neverEnding();
    yield { cursor, objects };
    cursor = next;
  } while (cursor !== undefined);
}

/**
 * The addresses of a page's objects. They live for a minute or so: `renew` asks for them again, from that page on until
 * it has that of `object`, as a session that goes on may have moved it to a later page. Rejects with `not-found`.
 */
export class PageAddresses {
  readonly #api: Api;
  readonly #wanted: Wanted;
  readonly #page: EvidencePage;
  readonly #newest = new Map<string, EvidenceObject>();

  constructor(api: Api, wanted: Wanted, page: EvidencePage) {
    this.#api = api;
    this.#wanted = wanted;
    this.#page = page;
  }

  /** The object with the newest address that is known. */
  of(object: EvidenceObject): EvidenceObject {
    return this.#newest.get(object.name) ?? object;
  }

  async renew({ name, size }: EvidenceObject): Promise<void> {
    for await (const page of evidencePages(this.#api, this.#wanted, this.#page.cursor)) {
      this.#take(page);
      if (page.objects.some((object) => object.name === name && object.size === size)) return;
    }
    throw new CustodyError('not-found', `${name} is no longer in the server's listing`);
  }

  #take({ objects }: EvidencePage): void {
    for (const object of objects) this.#newest.set(object.name, object);
  }
}

function neverEnding(): CustodyError {
  return new CustodyError('format-invalid', "the server's evidence is refused: an empty page that goes on", {
    hint: 'nothing was written; tell whoever runs the gateway',
  });
}
