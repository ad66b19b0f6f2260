/** Links to a session's objects, which are good for a minute and asked for again where one is over. */
import { CustodyError } from '#core/errors.ts';
import type { Api } from '../api/client.ts';
import type { EvidenceObject, EvidencePage } from '../api/proof.ts';
import { ownAddress } from './own-address.ts';

/** To look at it here and now, or to keep it: the ledger says which. */
export type Purpose = 'replay' | 'export';

export interface Wanted {
  readonly session: string;
  readonly purpose: Purpose;
}

/** 10 TB in segments of 8 MiB. */
const OBJECTS_MAX = 1_200_000;

export class EvidenceLinks {
  readonly #api: Api;
  readonly #wanted: Wanted;
  readonly #origin: string;
  #objects: ReadonlyMap<string, EvidenceObject>;
  #renewing: Promise<void> | undefined;

  private constructor(
    api: Api,
    wanted: Wanted,
    origin: string,
    objects: ReadonlyMap<string, EvidenceObject>,
  ) {
    this.#api = api;
    this.#wanted = wanted;
    this.#origin = origin;
    this.#objects = objects;
  }

  static async ask(api: Api, wanted: Wanted, origin: string, signal: AbortSignal): Promise<EvidenceLinks> {
    return new EvidenceLinks(api, wanted, origin, await listed(api, wanted, signal));
  }

  /** By their names: everything that is stored for the session, also what should not be there. */
  get objects(): ReadonlyMap<string, EvidenceObject> {
    return this.#objects;
  }

  /** An object's bytes. Rejects with `not-found` where even a new link gives none. */
  async fetch(name: string, signal: AbortSignal): Promise<Response> {
    const response = await this.#ask(name, signal);
    if (response.ok) return response;
    await this.#renew(signal);
    const again = await this.#ask(name, signal);
    if (again.ok) return again;
    throw new CustodyError('not-found', `${name} cannot be fetched: status ${again.status}`);
  }

  async #ask(name: string, signal: AbortSignal): Promise<Response> {
    const { url } = this.#objects.get(name)!;
    try {
      return await fetch(ownAddress(url, this.#origin), { signal, credentials: 'omit', redirect: 'error' });
    } catch (thrown) {
      signal.throwIfAborted();
      throw new CustodyError('store-unavailable', `${name} cannot be fetched: ${String(thrown)}`, {
        hint: 'look at your network, and verify again',
      });
    }
  }

  /** Several that are over at once are asked for once. What was announced first counts on: a session may go on meanwhile. */
  #renew(signal: AbortSignal): Promise<void> {
    this.#renewing ??= listed(this.#api, this.#wanted, signal)
      .then((newer) => {
        const renewed = [...this.#objects].map(
          ([name, object]) => [name, { ...object, url: newer.get(name)?.url ?? object.url }] as const,
        );
        this.#objects = new Map(renewed);
      })
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }
}

export function sizeOf({ objects }: Pick<EvidenceLinks, 'objects'>): number {
  return [...objects.values()].reduce((sum, { size }) => sum + size, 0);
}

async function listed(
  api: Api,
  { session, purpose }: Wanted,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, EvidenceObject>> {
  const objects = new Map<string, EvidenceObject>();
  let cursor: string | undefined;
  do {
    const path = `/v1/sessions/${encodeURIComponent(session)}/evidence`;
    const page: EvidencePage = await api.get<EvidencePage>(path, { purpose, cursor }, signal);
    if (page.objects.length === 0 && page.next !== undefined) throw refused('an empty page that goes on');
    for (const object of page.objects) {
      if (objects.has(object.name)) throw refused(`${object.name} is listed twice`);
      if (objects.size >= OBJECTS_MAX) throw refused(`more than ${OBJECTS_MAX} objects`);
      objects.set(object.name, object);
    }
    cursor = page.next;
  } while (cursor !== undefined);
  return objects;
}

function refused(why: string): CustodyError {
  return new CustodyError('format-invalid', `the gateway’s listing of the evidence is refused: ${why}`, {
    hint: 'tell whoever runs the gateway',
  });
}
