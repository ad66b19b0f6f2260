import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { leafBytes } from '#core/ledger/leaf.ts';
import { RunDigests } from '#core/tasks/digests.ts';
import { EarlierFacts } from '#core/tasks/result/facts.ts';
import { RunDesk, type RunDeskPorts } from '#core/tasks/run-desk.ts';
import { runLeaf } from '#core/tasks/run-leaves.ts';
import { RunTaskSession } from '#core/tasks/task-session.ts';
import type { Task } from '#core/tasks/workflows.ts';
import { DANA, KEY, REFUNDS, runStand, sessionOf } from './run-support.ts';

const DEVIATION = { kind: 'value', command: 'one', expected: 'another', seen: 'this' } as const;

/** A port of the desk whose `moment`th call fails, before it does anything or behind it, or is slow. */
type Fault = 'lost' | 'persisted-but-errored' | 'slow';

function faulty(ports: RunDeskPorts, moment: number, fault: Fault, lasts: boolean): RunDeskPorts {
  let calls = 0;
  const wrapped = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]): Promise<unknown> => {
          calls += 1;
          const isFaulty = lasts ? calls >= moment : calls === moment;
          if (isFaulty && fault === 'slow') await new Promise((resolve) => setImmediate(resolve));
          if (isFaulty && fault === 'lost') throw new CustodyError('store-unavailable', 'lost');
          const answer: unknown = await (member as (...all: unknown[]) => unknown).apply(target, given);
          if (isFaulty && fault === 'persisted-but-errored')
            throw new CustodyError('store-unavailable', 'no answer');
          return answer;
        };
      },
    });
  const { runs, leaves, stream } = ports;
  return { ...ports, runs: wrapped(runs), leaves: wrapped(leaves), stream: wrapped(stream) };
}

async function stand(moment: number, fault: Fault, lasts = false) {
  const whole = runStand();
  const run = await whole.desk.start(REFUNDS, {
    by: DANA,
    policy: 'a'.repeat(64),
    inputs: { customer: '7' },
  });
  const desk = new RunDesk(faulty(whole.ports, moment, fault, lasts));
  const declared = REFUNDS.declared.tasks['find']!;
  const contract = { declared: { ...declared.contract, onDeviation: 'record' }, commands: [] };
  const session = (n: number, by: RunDesk) =>
    new RunTaskSession({
      run: run.id,
      task: { name: 'find', declared, contract } as unknown as Task,
      session: sessionOf(n),
      facts: new EarlierFacts(sessionOf(n), {}, new Map(), new RunDigests(KEY)),
      workflow: () => REFUNDS,
      desk: by,
      note: () => undefined,
      review: async () => ({ approved: false, why: 'nobody did' }),
      monotonic: () => 0,
    });
  const steps = async () => (await whole.runs.get(run.id)).steps;
  /** Everything that the run has is in the ledger's queue, and nothing else is. */
  const told = async (): Promise<void> => {
    await whole.desk.tellAll();
    const now = await whole.runs.get(run.id);
    const wanted = [now, ...now.steps].map((_, n) => Buffer.from(leafBytes(runLeaf(now, n))).toString());
    const leaves = whole.log.filter((one) => typeof one === 'string');
    expect(new Set(leaves)).toEqual(new Set(wanted));
  };
  return { ...whole, faultyDesk: desk, session, steps, told };
}

const FAULTS = ['lost', 'persisted-but-errored', 'slow'] as const;

describe.each(FAULTS)('a claim of a task where one answer is %s', (fault) => {
  it('neither blocks its session nor is there twice, whichever call it is', async () => {
    for (let moment = 1; moment <= 16; moment += 1) {
      const { session, faultyDesk, steps, told } = await stand(moment, fault);
      const mine = session(1, faultyDesk);
      await mine.begin();
      await mine.deviated(DEVIATION, { command: 'x', isAnswer: false });
      expect(
        (await steps()).map(({ kind }) => kind),
        `${moment}`,
      ).toEqual(['task-started', 'deviated']);
      await told();
    }
  });

  it('of two at once is one for each, and each has its own or hears why not', async () => {
    for (let moment = 1; moment <= 16; moment += 1) {
      const { session, faultyDesk, steps, told, desk } = await stand(moment, fault);
      const both = [session(1, faultyDesk), session(2, desk), session(3, faultyDesk)];
      const begun = await Promise.allSettled(both.map((one) => one.begin()));
      const won = begun.flatMap(({ status }, at) => (status === 'fulfilled' ? [sessionOf(at + 1)] : []));
      const started = (await steps()).flatMap((step) => (step.kind === 'task-started' ? [step.session] : []));
      // `find` may run twice.
      expect(started.toSorted(), `${moment}`).toEqual(won);
      expect(won).toHaveLength(2);
      await told();
    }
  });
});

describe.each(['lost', 'persisted-but-errored'] as const)(
  'where every answer from then on is %s',
  (fault) => {
    it('the session does not begin, and whoever comes next finds what is stored', async () => {
      for (let moment = 1; moment <= 8; moment += 1) {
        const { session, faultyDesk, steps, told, desk } = await stand(moment, fault, true);
        const first = session(1, faultyDesk);
        const began = await first.begin().then(
          () => true,
          () => false,
        );
        const claims = (await steps()).length;
        expect(claims).toBeGreaterThanOrEqual(began ? 1 : 0);
        expect(claims).toBeLessThanOrEqual(1);
        await told();
        await session(2, desk).begin();
        expect(await steps()).toHaveLength(claims + 1);
        await told();
      }
    });
  },
);
