/** The only place that names objects. Keys are relative to the store's root (a folder or a bucket). */

export const OPEN = 'open.json';
export const CLOSE = 'close.json';
export const SIGNER_KEY = 'signer.pem';
/** In an evidence folder only: the proof that the session is in the ledger. */
export const LEDGER_PROOF = 'ledger.json';

/** Beside a session that was a task of a run: what it came to, once it is derived (core/tasks/FORMAT.md). */
export const TASK_RESULT = 'task.json';

/** The text of a workflow that runs are under, by its SHA-256. */
export function workflowKey(digest: string): string {
  return `workflows/${digest}.json`;
}

/** `open.json` → `open.json.sig` */
export function signatureName(statement: string): string {
  return `${statement}.sig`;
}

/**
 * Whether a session with these objects was never open: its opening and the signature are put side by side, and nothing reaches the
 * target before both are there.
 */
export function wasNeverOpen(names: readonly string[]): boolean {
  const [first = OPEN, ...more] = names;
  return more.length === 0 && [OPEN, signatureName(OPEN)].includes(first);
}

/** Segment 7 → `00000007.seg`. */
export function segmentName(segment: number): string {
  return `${String(segment).padStart(8, '0')}.seg`;
}

/** The number in a segment's name, or undefined when the name is not one. */
export function segmentNumber(name: string): number | undefined {
  return /^\d{8}\.seg$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

/** Everything of one session lives under this prefix. */
export function sessionPrefix(session: string): string {
  return `sessions/${session}/`;
}

/** The key of one object of one session. */
export function objectKey(session: string, name: string): string {
  return sessionPrefix(session) + name;
}

/** What is derived of a session so that it can be looked into, and can be made again at any time (core/replay/index/FORMAT.md). */
export function indexPrefix(session: string): string {
  return `indexes/${session}/`;
}

export function indexKey(session: string, name: string): string {
  return indexPrefix(session) + name;
}

/** OCSF events of one class and day (core/ocsf/FORMAT.md): partitions as Hive names them, which Athena finds without a crawler. */
export function eventsKey(eventClass: string, day: string, session: string, firstStep: number): string {
  return `events/class=${eventClass}/day=${day}/${partName(session, firstStep)}`;
}

/** What is searched, by the day on which the session began. */
export function searchedKey(day: string, session: string, firstStep: number): string {
  return `steps/day=${day}/${partName(session, firstStep)}`;
}

/** What says that all of a session's events are there, by the day on which it began. */
export function eventsMadePrefix(day: string): string {
  return `made/day=${day}/`;
}

export function eventsMadeKey(day: string, session: string): string {
  return `${eventsMadePrefix(day)}${session}.json`;
}

/** How far somebody came with the events of a long session. */
export function eventsProgressKey(session: string): string {
  return `progress/${session}.json`;
}

function partName(session: string, firstStep: number): string {
  return `${session}-${String(firstStep).padStart(10, '0')}.json.gz`;
}
