import { asCustodyError, type CustodyError } from '../errors.ts';
import { inBatches } from '../in-batches.ts';
import { eventsMadePrefix } from '../recording/layout.ts';
import { lowestIdAt, timeOfId } from '../recording/session-id.ts';
import type { SessionCatalog } from '../recording/session-index.ts';
import type { Indexed } from './index-sealed.ts';
import { dayOf } from './part-writer.ts';
import type { EventStore } from './ports.ts';

export interface MissedPorts {
  readonly catalog: Pick<SessionCatalog, 'list'>;
  readonly events: Pick<EventStore, 'list'>;
  readonly index: (session: string) => Promise<Indexed>;
  readonly mayGoOn: () => boolean;
  readonly now: () => Date;
}

export interface Missed {
  readonly made: number;
  /** Those that ended a while ago and have no events still, failures among them. */
  readonly left: number;
  readonly failures: readonly { readonly session: string; readonly error: CustodyError }[];
}

const PAGE = 200;
const AT_ONCE = 4;
/** Whatever tells of an end does so within this. */
const TOLD_WITHIN_MS = 600_000;

/**
 * Sessions that began in this time, were sealed, and have no events: made now, newest first, as far as there is time. What is listed in
 * memory are names alone.
 */
export async function indexMissed(sinceMs: number, ports: MissedPorts): Promise<Missed> {
  const { catalog, index, mayGoOn, now } = ports;
  const known = new Made(ports.events);
  const failures: Missed['failures'][number][] = [];
  let [made, left] = [0, 0];
  let cursor: string | undefined;
  do {
    const from = lowestIdAt(sinceMs);
    const page = await catalog.list({ limit: PAGE, from, ...(cursor === undefined ? {} : { cursor }) });
    const wanted: (typeof page.sessions)[number][] = [];
    for (const session of page.sessions)
      if (session.outcome !== undefined && !(await known.has(session.id))) wanted.push(session);
    await inBatches(wanted, AT_ONCE, async ({ id, outcome }) => {
      const is = mayGoOn() ? await tried(id, index, failures) : 'unfinished';
      if (is === 'made' || is === 'current') made += 1;
      else if (now().getTime() - Date.parse(outcome!.endedAt) > TOLD_WITHIN_MS) left += 1;
    });
    cursor = page.next;
  } while (cursor !== undefined && mayGoOn());
  return { made, left, failures };
}

async function tried(
  session: string,
  index: MissedPorts['index'],
  failures: Missed['failures'][number][],
): Promise<Indexed | 'failed'> {
  try {
    return await index(session);
  } catch (thrown) {
    failures.push({ session, error: asCustodyError(thrown) });
    return 'failed';
  }
}

/** Which sessions have all their events, a day at a time. */
class Made {
  readonly #events: MissedPorts['events'];
  readonly #days = new Map<string, ReadonlySet<string>>();

  constructor(events: MissedPorts['events']) {
    this.#events = events;
  }

  async has(session: string): Promise<boolean> {
    const day = dayOf(timeOfId(session));
    const names = this.#days.get(day) ?? new Set(await this.#events.list(eventsMadePrefix(day)));
    this.#days.set(day, names);
    return names.has(`${session}.json`);
  }
}
