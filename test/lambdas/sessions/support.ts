import { cstring, message } from '#core/protocols/postgres/wire.ts';
import { Stream } from '#core/recording/format.ts';
import { Recorder } from '#core/recording/recorder.ts';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import { framesOf, type Said } from '#test/core/replay/support.ts';
import { type Answered, call, type World, world } from '#test/lambdas/support.ts';
import { MemoryIndex, MemoryJournal, MemoryLeaves } from '#test/support/memory-ports.ts';
import { opening, slabsOf } from '#test/support/recorder.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';

export interface Recorded {
  readonly ports: World;
  readonly id: string;
  /** Keeps between calls what a function keeps. */
  ask(path: string, query?: Record<string, string>, token?: string): Promise<Answered>;
}

export function query(text: string): Said {
  return ['client', message(0x51, cstring(text))];
}

/** A session of dana's on orders-db, as the recorder stores it. */
export async function recorded(
  said: readonly Said[],
  change: (ports: World) => World = (ports) => ports,
): Promise<Recorded> {
  const ports = change(world());
  const record = sessionRecord(3, { subject: 'dana', target: 'orders-db' });
  await ports.catalog.opened(record);
  const recorder = new Recorder({
    sink: ports.source,
    signer: ports.keys,
    journal: new MemoryJournal(),
    index: new MemoryIndex(),
    leaves: new MemoryLeaves(),
    lease: { isHeld: true, task: 'task-1' },
  });
  const frames = framesOf(said).map(({ stream, ...frame }) => ({
    ...frame,
    tape: 1,
    stream: Stream[stream],
  }));
  await recorder.open(1, { ...opening(3), session: record.id }, 0);
  await recorder.commit(slabsOf(frames, 1));
  await recorder.close(1, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 });
  await ports.catalog.closed(record.id, OUTCOME);
  const handler = sessionsHandler(ports);
  const ask: Recorded['ask'] = (path, asked = {}, token = 'dana') =>
    call(handler, `/v1/sessions/${record.id}${path}`, { token, query: asked });
  return { ports, id: record.id, ask };
}

/** Every leaf's words for what was looked at. */
export function partsOf({ ports }: Recorded): unknown[] {
  return [...ports.leaves.added].map((leaf) => (JSON.parse(leaf) as { part?: string }).part);
}
