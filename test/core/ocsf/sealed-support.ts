import { Stream } from '#core/recording/format.ts';
import { Recorder } from '#core/recording/recorder.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { memoryPorts, opening, slabsOf } from '#test/support/recorder.ts';

/** A session that a recorder sealed, of these frames, in memory. */
export async function sealedSession(frames: readonly ReplayFrame[], n = 1, ports = memoryPorts()) {
  const recorder = new Recorder({ ...ports, sink: ports.store });
  const opened = { ...opening(n), principal: PRINCIPAL };
  await recorder.open(n, opened, 0);
  const recorded = frames.map(({ stream, timeUs, payload }) => ({
    ...{ tape: n, stream: Stream[stream], timeUs, payload },
  }));
  await recorder.commit(slabsOf(recorded, 1));
  await recorder.close(n, { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 });
  return { ...ports, session: opened.session };
}

const PRINCIPAL = {
  issuer: 'https://id.example',
  subject: 'dana',
  email: 'dana@example.com',
  groups: ['developers'],
  groupsOmitted: 0,
};
