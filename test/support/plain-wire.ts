import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { NOTHING_MORE } from '#core/replay/rerun/may-differ.ts';
import type { OpenWire } from '#core/replay/rerun/postgres/live.ts';
import {
  type Rerun,
  type RerunOptions,
  rerunPostgres,
  type Wanted,
} from '#core/replay/rerun/postgres/rerun.ts';
import type { ReplayFrame } from '#core/replay/step.ts';

/** A server that asks for no password, without a gateway. */
export function plainWire(port: number): OpenWire {
  return async (events) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.on('data', (bytes: Buffer) => events.received(bytes));
    socket.on('close', () => events.closed(undefined));
    return {
      send: async (bytes) => {
        if (!socket.destroyed && !socket.write(bytes))
          await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      },
      cancel: async (request) => {
        const other = connect({ port, host: '127.0.0.1' });
        other.write(request);
        await once(other, 'close');
      },
      end: () => socket.end(),
    };
  };
}

async function* given(frames: readonly ReplayFrame[]): AsyncGenerator<ReplayFrame> {
  yield* frames;
}

export function wanted(port: number, frames: readonly ReplayFrame[], more: Partial<Wanted> = {}): Wanted {
  const startedAt = Date.now() - 1000;
  return {
    session: 'recorded',
    against: 'sandbox',
    startedAt,
    endedAt: startedAt + 1000,
    frames: given(frames),
    reread: () => given(frames),
    login: { user: 'app', password: '', database: 'sandbox', settings: {} },
    open: plainWire(port),
    ...more,
  };
}

/** Against the database `sandbox` of the same server. */
export function rerunAt(
  port: number,
  frames: readonly ReplayFrame[],
  options: Partial<RerunOptions> = {},
): Promise<Rerun> {
  return rerunAll([wanted(port, frames)], options);
}

export function rerunAll(all: readonly Wanted[], options: Partial<RerunOptions> = {}): Promise<Rerun> {
  const world = {
    now: Date.now,
    sleep: (ms: number, signal?: AbortSignal) =>
      sleep(ms, undefined, signal && { signal }).catch(() => undefined),
  };
  return rerunPostgres(all, { mayDiffer: NOTHING_MORE, answerMs: 5_000, ...options }, world);
}
