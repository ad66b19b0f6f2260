/** Where what sessions bring about is kept and told: requests, runs, and questions to reviewers. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AccessDesk } from '#core/access/desk.ts';
import type { NewsStream } from '#core/access/news.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import { CustodyError } from '#core/errors.ts';
import { countingAlarms } from '#core/notify/alarms.ts';
import { WebhookStream } from '#core/notify/stream.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { DeviationDesk } from '#core/tasks/deviation-desk.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { TaskSessions } from '#core/tasks/task-sessions.ts';
import type { RelaySurroundings } from './surroundings.ts';
import type { Tally } from './tally.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface Desks {
  readonly access: AccessDesk;
  readonly tasks: TaskSessions;
  readonly stream: NewsStream;
}

interface Around {
  readonly policy: PolicyInForce;
  readonly surroundings: RelaySurroundings;
  readonly tally: Tally;
  readonly waitingRoom: WaitingRoom;
  readonly requestUrl: ((id: string) => string) | undefined;
}

export function desksOf({ policy, surroundings, tally, waitingRoom, requestUrl }: Around): Desks {
  const { requests, runs, leaves, deliveries } = surroundings;
  const stream = countingAlarms(new WebhookStream(() => policy.config.webhooks, deliveries), tally.alarm);
  const now = (): Date => new Date();
  const newId = (at: Date): string => newSessionId(at.getTime(), randomBytes(10));
  const access = new AccessDesk({ requests, leaves, stream, now, newId });
  const newKey = (): Uint8Array => randomBytes(32);
  const desk = new RunDesk({ runs, texts: { put: startsNone }, leaves, stream, now, newId, newKey });
  const reviews = new DeviationDesk({
    policy,
    requests,
    desk: access,
    wallClock: now,
    pause: (ms) => sleep(ms),
    room: () => waitingRoom.enter(),
    ...(requestUrl === undefined ? {} : { requestUrl }),
  });
  const monotonic = (): number => performance.now();
  const tasks = new TaskSessions({
    policy: () => policy.config,
    runs,
    outputs: runs.outputs,
    desk,
    reviews,
    monotonic,
  });
  return { access, tasks, stream };
}

/** Runs are started at the API alone, where texts of workflows can be stored. */
async function startsNone(): Promise<never> {
  throw new CustodyError('internal', 'a gateway starts no runs');
}
