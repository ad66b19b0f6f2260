/** Sessions as the recorder stores them, in memory. */

import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { Stream } from '#core/recording/format.ts';
import type { Opening } from '#core/recording/recorder.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { evidenceOf, openSessionSteps, type SessionSteps } from '#core/replay/index/index-session.ts';
import type { StepQuery } from '#core/replay/index/query.ts';
import type { StoredStep } from '#core/replay/index/stored-step.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { framesOf, LOGIN, type Said, server } from '#test/core/replay/support.ts';
import {
  MemoryIndex,
  MemoryJournal,
  MemoryLeaves,
  MemoryStore,
  memorySigner,
} from '#test/support/memory-ports.ts';
import { opening, slabsOf } from '#test/support/recorder.ts';

export interface Stored {
  readonly store: MemoryStore;
  readonly signer: ReturnType<typeof memorySigner>;
  readonly session: string;
}

/** Records frames; a segment for each of `commits` parts. */
export async function recorded(
  frames: readonly ReplayFrame[],
  {
    n = 1,
    end = true,
    into = { store: new MemoryStore(), signer: memorySigner() },
    open = {},
  }: {
    readonly n?: number;
    readonly end?: boolean;
    readonly into?: Pick<Stored, 'store' | 'signer'>;
    readonly open?: Partial<Opening>;
  } = {},
): Promise<Stored> {
  const recorder = new Recorder({
    sink: into.store,
    signer: into.signer,
    journal: new MemoryJournal(),
    index: new MemoryIndex(),
    leaves: new MemoryLeaves(),
    lease: { isHeld: true, task: 'task-1' },
  });
  const opened = { ...opening(n), ...open };
  await recorder.open(n, opened, 0);
  const taped = frames.map(({ stream, ...frame }) => ({ ...frame, tape: n, stream: Stream[stream] }));
  await recorder.commit(slabsOf(taped, 1));
  await recorder.close(n, {
    reason: 'client-closed',
    endedAt: '2026-11-23T09:01:00.000Z',
    at: Math.ceil((frames.at(-1)?.timeUs ?? 0) / 1000) + 1,
  });
  if (!end)
    for (const name of ['close.json', 'close.json.sig'])
      into.store.objects.delete(`sessions/${opened.session}/${name}`);
  return { ...into, session: opened.session };
}

export const query = (text: string): Said => ['client', message(0x51, cstring(text))];

export const answered = (text: string, ...said: Uint8Array[]): Said[] => [
  query(text),
  ['target', ...(said.length === 0 ? [server.tag('SELECT 0')] : said), server.ready],
];

/** So that there are several chunks of few steps. */
const LONG = 'a text of some length '.repeat(60);

/** `n` statements: each seventh fails, each fifth is an INSERT. */
export function statements(n: number): ReplayFrame[] {
  const said = Array.from({ length: n }, (_, at) => {
    if (at % 7 === 3) return answered(`select 1 / ${at}`, server.error(`no ${at}`));
    if (at % 5 === 2) return answered(`insert into t values (${at})`, server.tag('INSERT 0 1'));
    return answered(
      `select ${at}, '${LONG}'`,
      server.columns(['n', 23]),
      server.row(`${at}`),
      server.tag('SELECT 1'),
    );
  });
  return framesOf([...LOGIN, ...said.flat()]);
}

export async function stepsIn({ store, signer, session }: Stored): Promise<SessionSteps> {
  const opened = await openSessionSteps(session, store, signer.der);
  if (opened.index === undefined) throw new Error(opened.why ?? 'there is no index');
  return opened;
}

export async function whyUnfit({ store, signer, session }: Stored): Promise<string | undefined> {
  const opened = await openSessionSteps(session, store, signer.der);
  return opened.index === undefined ? (opened.why ?? 'none') : undefined;
}

/** All pages of a query, from its place to the end of that direction. */
export async function walk(steps: SessionSteps, asked: StepQuery): Promise<StoredStep[]> {
  const found: StoredStep[] = [];
  let query = asked;
  for (;;) {
    const page = await steps.page(query);
    if (page.steps.length > query.limit) throw new Error('a page is too long');
    if (query.direction === 'next') found.push(...page.steps);
    else found.unshift(...page.steps);
    const cursor = query.direction === 'next' ? page.next : page.previous;
    if (cursor === undefined) return found;
    query = { ...query, place: { cursor } };
  }
}

export async function allOf(steps: SessionSteps): Promise<StoredStep[]> {
  const found: StoredStep[] = [];
  for await (const step of steps.index.all()) found.push(step);
  return found;
}

export { evidenceOf };
