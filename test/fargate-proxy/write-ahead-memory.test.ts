import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Stream } from '#core/recording/format.ts';
import type { SessionTape } from '#proxy/recorder/tapes.ts';
import type { RawEnd } from '#proxy/wire/raw-end.ts';
import { RelayMemory } from '#proxy/wire/relay-memory.ts';
import { WriteAhead } from '#proxy/write-ahead.ts';
import { HeldRecorder } from '#test/support/relay-stand.ts';

const SESSIONS = 500;

let recorder: HeldRecorder;
let memory: RelayMemory;
beforeEach(() => {
  recorder = new HeldRecorder();
  memory = new RelayMemory();
});
afterEach(() => recorder.tapes.stop());

/** A session that records what it is told and holds it for its target. */
class Session {
  readonly ahead: WriteAhead;
  readonly tape: SessionTape;
  /** What went to the target, each write of its own. */
  readonly writes: string[] = [];

  static async open(): Promise<Session> {
    return new Session(await recorder.open({ durability: 'write-ahead', windowMs: 250 }));
  }

  private constructor(tape: SessionTape) {
    this.tape = tape;
    const target = {
      sendCopy: (bytes: Uint8Array) => void this.writes.push(Buffer.from(bytes).toString()),
      sendBlock: (block: { content(): Uint8Array }) => target.sendCopy(block.content()),
    };
    this.ahead = new WriteAhead(target as unknown as RawEnd, tape, memory);
  }

  say(text: string): void {
    const read = Buffer.from(text);
    this.tape.record(Stream.client, read, read.length);
    this.ahead.holdRecorded(read);
    // The read buffer is everybody's.
    read.fill('x');
  }
}

const sessions = (count: number): Promise<Session[]> =>
  Promise.all(Array.from({ length: count }, () => Session.open()));

const KILOBYTES_64 = 'x'.repeat(64 << 10);
/** Says as much as it may; how often it could. */
function fill(session: Session): number {
  for (let said = 0; ; said += 1) {
    if (session.ahead.full) return said;
    session.say(KILOBYTES_64);
  }
}

describe('how much of a client may wait', () => {
  it('is a megabyte of one alone: a commit of much costs little more than one of little', async () => {
    const [session] = await sessions(1);
    expect(fill(session!)).toBe(17);
  });

  it('is 64 KiB where another waits for the same commits, and a megabyte again once that one is quiet', async () => {
    const [bulk, other] = await sessions(2);
    bulk!.say('copy');
    other!.say('select 1');
    expect(fill(bulk!)).toBe(1);
    recorder.now += 250;
    expect(fill(bulk!)).toBe(15);
  });

  it('is a megabyte of one that follows another: it is over', async () => {
    const [before, session] = await sessions(2);
    before!.say('select 1');
    void before!.tape.close({ reason: 'client-closed', endedAt: '2026-11-30T00:00:00Z' });
    expect(fill(session!)).toBe(17);
  });

  it('has room again at half of it while one is alone, so that the next commit is filled meanwhile', async () => {
    const [session] = await sessions(1);
    fill(session!);
    const left: number[] = [];
    session!.ahead.whenRoom(() => left.push(session!.ahead.drop()));
    while (left.length === 0) recorder.makeDurable(1);
    expect(left[0]).toBeGreaterThan(0);
    expect(left[0]).toBeLessThanOrEqual(512 << 10);
  });

  it('has room again once nothing is held where others wait as well', async () => {
    const [bulk, other] = await sessions(2);
    other!.say('select 1');
    fill(bulk!);
    let isEmpty: boolean | undefined;
    bulk!.ahead.whenRoom(() => (isEmpty = bulk!.ahead.empty));
    expect(isEmpty).toBeUndefined();
    recorder.makeAllDurable();
    expect(isEmpty).toBe(true);
  });

  it('is told later, though others go quiet in the moment in which it is full: whoever asks has not stopped reading yet', async () => {
    const [bulk, other] = await sessions(2);
    other!.say('select 1');
    fill(bulk!);
    expect(bulk!.ahead.full).toBe(true);
    recorder.now += 250;
    const room = vi.fn<() => void>();
    bulk!.ahead.whenRoom(room);
    expect(room).not.toHaveBeenCalled();
    recorder.makeAllDurable();
    expect(room).toHaveBeenCalledOnce();
  });

  it('is asked for no more of one that is dropped', async () => {
    const [session] = await sessions(1);
    fill(session!);
    const room = vi.fn<() => void>();
    session!.ahead.whenRoom(room);
    session!.ahead.drop();
    session!.say('more');
    recorder.makeAllDurable();
    expect(room).not.toHaveBeenCalled();
  });
});

describe('what waits to become durable', () => {
  it('takes no memory of its own, however many sessions wait, and each gets its own', async () => {
    const all = await sessions(SESSIONS);
    const taken = vi.spyOn(memory, 'take');
    const held = process.memoryUsage().arrayBuffers;
    for (const [n, session] of all.entries()) session.say(`select ${n}`);
    // One block each would be 125 MiB.
    expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(1 << 20);
    recorder.makeAllDurable();
    expect(all.map(({ writes }) => writes)).toEqual(all.map((_, n) => [`select ${n}`]));
    expect(taken).not.toHaveBeenCalled();
    expect(all.every(({ ahead }) => ahead.empty)).toBe(true);
  });

  it('goes as one write where it came in pieces', async () => {
    const [session] = await sessions(1);
    for (const text of ['one,', 'two,', 'begin;', 'select 1;', 'commit']) session!.say(text);
    recorder.makeAllDurable();
    // The recorder took the first two one by one, and then it was busy.
    expect(session!.writes).toEqual(['one,', 'two,', 'begin;select 1;commit']);
  });

  it('is what was said though its slab is used again before: the session is behind', async () => {
    const [slow, other] = await sessions(2);
    slow!.say('the slow one');
    const { buffer } = recorder.commits[0]!.ranges[0]!;
    recorder.makeDurable(1, [slow!.tape.number]);
    const much = new Uint8Array(100_000).fill(0x6d);
    const isUsedAgain = (): boolean =>
      recorder.taken
        .slice(1)
        .some(({ ranges }) => ranges.some((range) => range.buffer === buffer && range.from === 8));
    while (!isUsedAgain()) {
      other!.tape.record(Stream.target, much, much.length);
      recorder.tapes.handOver();
      recorder.makeAllDurable();
    }
    expect(Buffer.from(buffer as SharedArrayBuffer).includes('the slow one')).toBe(false);
    expect(slow!.writes).toEqual([]);
    recorder.tapes.receive({ kind: 'caught-up', tape: slow!.tape.number });
    expect(slow!.writes).toEqual(['the slow one']);
  });

  it('is what was said though notes fill the rest of its slab and the next', async () => {
    const [session] = await sessions(1);
    session!.say('select 1');
    const words = 'n'.repeat(100_000);
    for (let note = 0; note < 12; note += 1) session!.tape.note({ note: words });
    recorder.makeAllDurable();
    expect(session!.writes).toEqual(['select 1']);
  });

  it('is counted when it is dropped, and what is sealed for the target counts as what the client said', async () => {
    const [session] = await sessions(1);
    session!.say('drop table orders');
    session!.ahead.hold(Buffer.from('sealed, and longer'), 5);
    expect(session!.ahead.drop()).toBe(17 + 5);
    recorder.tapes.handOver();
    recorder.makeDurable(1);
    expect(session!.writes).toEqual([]);
  });
});
