import { expect, test } from 'vitest';
import type { ReplayFrame } from '#core/replay/step.ts';
import { tasksAt, testSession } from '#core/tasks/test-sessions.ts';
import { done, selected, session, shapes, workflowOf } from './result/support.ts';

const FIND = { does: [{ name: 'list', statement: 'SELECT id FROM orders' }] };
const PAY = {
  does: [
    {
      name: 'pay',
      statement: 'UPDATE orders SET refunded = true WHERE id = $1',
      values: { $1: { type: 'integer', max: 10, from: 'find.returned.id' } },
      times: { min: 1, max: 3 },
    },
  ],
};

async function tested(frames: readonly ReplayFrame[], target = 'db') {
  async function* streamed(): AsyncGenerator<ReplayFrame> {
    yield* frames;
  }
  const tasks = tasksAt(await workflowOf(FIND, PAY), target);
  return testSession(streamed, tasks, await shapes);
}

const pay = (id: number) => done(`UPDATE orders SET refunded = true WHERE id = ${id}`, 'UPDATE 1');

test('the task that fits best comes first, whatever its values would have to be from', async () => {
  const { best, others } = (await tested(session(...pay(7), ...pay(8))))!;
  expect(best).toEqual({ task: 'refund', fitting: 2, commands: 2, deviations: [], deviationsOmitted: 0 });
  expect(others.map(({ task, fitting }) => [task, fitting])).toEqual([['find', 0]]);
});

test('what would deviate has its place in the recording', async () => {
  const { best } = (await tested(session(...selected('SELECT id FROM orders', 'id', ['1']), ...pay(70))))!;
  expect(best.task).toBe('find');
  expect(best.deviations).toMatchObject([{ kind: 'not-in-contract', at: 9000 }]);
});

test('a session at another target is none of the tasks', async () => {
  expect(await tested(session(...pay(7)), 'other')).toBeUndefined();
});
