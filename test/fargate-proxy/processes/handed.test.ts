import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Child } from '#proxy/processes/child.ts';
import { Handed } from '#proxy/processes/handed.ts';

const nothing = (): void => undefined;
const state = {
  ...{ sessions: 0, journalLagMs: 0, certificateEnds: 0 },
  counts: {} as never,
};

/** A process and its parent, with a channel between them that carries at once. */
function joined({ sessionsMax }: { readonly sessionsMax: number }) {
  const inside = { here: 0, isFull: false };
  let fullOrNot = nothing;
  const channel = Object.assign(new EventEmitter(), {
    send: (message: unknown) => process.emit('message', message),
  });
  const process = Object.assign(new EventEmitter(), {
    connected: true,
    send: (message: unknown, socket: unknown) => channel.emit('message', message, socket),
  });
  const events = { ready: nothing, idle: nothing, state: nothing, tell: nothing };
  const child = new Child(1, 'task', process as unknown as ChildProcess, events, () => 0);
  new Handed(channel).begin({
    serve: () => (inside.here += 1),
    load: () => ({ ...inside, sessionsMax }),
    whenFullOrNot: (say) => (fullOrNot = say),
    state: () => state,
    told: nothing,
    drain: nothing,
    every: nothing,
  });
  const logsIn = (): void => {
    inside.isFull = true;
    fullOrNot();
  };
  return { child, channel, logsIn };
}

describe('a process that is handed its clients', () => {
  it('says at once that its last place is taken: the next one would be sent to it, and refused', () => {
    const { child, logsIn } = joined({ sessionsMax: 1 });
    child.take('postgres', new Socket());
    expect([child.isServing, child.isFull]).toEqual([true, false]);
    logsIn();
    expect(child.isFull).toBe(true);
  });

  it('may be full as soon as those that it has log in', () => {
    const { child } = joined({ sessionsMax: 2 });
    const said = [child.mayBeFull];
    for (let taken = 0; taken < 2; taken += 1) {
      child.take('postgres', new Socket());
      said.push(child.mayBeFull);
    }
    expect(said).toEqual([false, false, true]);
  });

  it('may be full as soon as those log in that are on their way to it', () => {
    const { child, channel } = joined({ sessionsMax: 1 });
    channel.removeAllListeners('message');
    child.take('postgres', new Socket());
    expect([child.isIdle, child.mayBeFull]).toEqual([false, true]);
  });
});
