import { describe, expect, test } from 'vitest';
import type { Run, RunTask } from '../../../console/api/runs.ts';
import { flowsOf, worstOf } from '../../../console/runs/flows.ts';
import { graphOf, inOrder } from '../../../console/runs/graph-of.ts';
import { putOut } from '../../../console/runs/put-out.ts';
import { aTask, executed } from './support.ts';

const PAY = {
  name: 'pay',
  values: { $1: { type: 'integer', from: 'find.orders.id' }, $2: { type: 'text' } },
};
const refund = (more: object = {}): RunTask => aTask('refund', { after: ['find'], does: [PAY], ...more });
const find = aTask('find', {
  executions: [
    executed({
      outputs: [
        {
          name: 'orders',
          rows: 3,
          digest: 'd'.repeat(64),
          columns: [{ name: 'id', digest: 'c'.repeat(64) }],
        },
      ],
    }),
  ],
});
const run = (...tasks: readonly RunTask[]): Pick<Run, 'tasks'> => ({ tasks });
const lineage = (values: number, found: number) => ({
  lineage: [{ command: 'pay', hole: '$1', from: 'find.orders.id', values, found }],
});

describe('data that goes from one task to another', () => {
  test.each<[what: string, executions: RunTask['executions'], state: string, values?: object]>([
    ['a task that has not run', [], 'expected'],
    ['one that runs', [executed()], 'claimed'],
    ['one whose result found all of it', [executed(lineage(3, 3))], 'proved', { given: 3, found: 3 }],
    ['one whose result found something else', [executed(lineage(3, 2))], 'differs', { given: 3, found: 2 }],
    ['one whose result found none', [executed({ lineage: [] })], 'missing'],
    ['one that was given nothing', [executed(lineage(0, 0))], 'missing'],
    [
      'one that ran twice',
      [executed(lineage(2, 2)), executed(lineage(3, 3))],
      'proved',
      { given: 5, found: 5 },
    ],
    [
      'one that was wrong once',
      [executed(lineage(2, 1)), executed(lineage(3, 3))],
      'differs',
      { given: 5, found: 4 },
    ],
  ])('of %s', (_, executions, state, values) => {
    expect(flowsOf(run(find, refund({ executions })))).toEqual([
      {
        from: 'find.orders.id',
        source: 'find',
        task: 'refund',
        into: 'pay.$1',
        state,
        ...(values && { values }),
      },
    ]);
  });

  test.each([
    [true, 'proved'],
    [false, 'differs'],
  ])('is bytes that match: %s', (matches, state) => {
    const inputs = { accounts: { of: 'fill', stream: 'copy', input: 'list' } };
    const given = {
      name: 'accounts',
      of: 'fill',
      from: 'input:list',
      sha256: 'a'.repeat(64),
      bytes: 12,
      matches,
    };
    const load = aTask('load', { inputs, executions: [executed({ inputs: [given] })] });
    expect(flowsOf(run(load))).toEqual([
      {
        from: 'input:list',
        source: undefined,
        task: 'load',
        into: 'accounts',
        state,
        bytes: { sha256: 'a'.repeat(64), count: 12 },
      },
    ]);
  });

  test('is shown by the worst of it', () => {
    const [flow] = flowsOf(run(find, refund()));
    const states = ['proved', 'expected', 'claimed', 'missing', 'differs'] as const;
    const worst = states.map((_, at) =>
      worstOf(states.slice(0, at + 1).map((state) => ({ ...flow!, state }))),
    );
    expect(worst).toEqual(states);
    expect(worstOf([])).toBeUndefined();
  });
});

describe('the graph', () => {
  test('has an arrow for each task that another comes after, with what goes along it', () => {
    const report = aTask('report', { after: ['refund'] });
    expect(graphOf(run(find, refund(), report))).toMatchObject({
      nodes: ['find', 'refund', 'report'],
      edges: [
        { from: 'find', to: 'refund', flows: [{ into: 'pay.$1' }] },
        { from: 'refund', to: 'report', flows: [] },
      ],
    });
  });

  test('has what the run was started with, where a task takes it', () => {
    const does = [{ ...PAY, values: { $1: { type: 'text', input: 'ticket' } } }];
    const { nodes, edges } = graphOf(run(aTask('load', { does }), aTask('other', {})));
    expect(nodes).toEqual(['input:', 'load', 'other']);
    expect(edges).toMatchObject([{ from: 'input:', to: 'load', flows: [{ from: 'input:ticket' }] }]);
  });

  test('has data of a task that is further before', () => {
    const { edges } = graphOf(
      run(find, aTask('between', { after: ['find'] }), refund({ after: ['between'] })),
    );
    expect(edges.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'find between',
      'between refund',
      'find refund',
    ]);
  });
});

test('tasks stand after those before them', () => {
  const tasks = [aTask('c', { after: ['b'] }), aTask('b', { after: ['a'] }), aTask('a', {}), aTask('d', {})];
  expect(inOrder(tasks).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
});

describe('what was put out', () => {
  test.each([
    ['find.orders', 'd'.repeat(64)],
    ['find.orders.id', 'c'.repeat(64)],
  ])('of %s has its digest', (origin, digest) => {
    expect(putOut(run(find), origin)).toMatchObject({ output: { rows: 3 }, digest });
  });

  test.each(['find.others', 'refund.orders', 'input:list'])('%s: nothing', (origin) => {
    expect(putOut(run(find), origin)).toBeUndefined();
  });
});
