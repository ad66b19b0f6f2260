import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as backend from '#core/protocols/postgres/backend.ts';
import { message } from '#core/protocols/postgres/wire.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { canonicalJson } from '#core/tasks/canonical-json.ts';
import { RunDigests } from '#core/tasks/digests.ts';
import { resultSchema } from '#core/tasks/proof/result-schema.ts';
import { takenFrom } from '#core/tasks/result/facts.ts';
import type { TaskResult } from '#core/tasks/result/result.ts';
import { TaskOutputs } from '#core/tasks/result/task-outputs.ts';
import type { SeenCommand, SeenLiteral } from '#core/tasks/seen.ts';
import { type Said, server } from '../../replay/support.ts';
import {
  derived,
  done,
  FIND_SESSION,
  FOUND,
  type Given,
  KEY,
  noted,
  query,
  selected,
  session,
  workflowOf,
} from './support.ts';

const LIST = 'SELECT id FROM orders WHERE returned';
const FIND = {
  does: [{ name: 'list', statement: LIST, answers: { rows: { max: 5 }, columns: ['id'] } }],
  outputs: { returned: { of: 'list', columns: ['id'] } },
};
const PAY = {
  does: [
    {
      name: 'pay',
      statement: 'UPDATE orders SET refunded = true WHERE id = $1',
      values: { $1: { type: 'integer', from: 'find.returned.id' } },
      times: { min: 1, max: 3 },
      answers: { affected: 1 },
    },
  ],
};

const given: Given = { workflow: await workflowOf(FIND, PAY) };
const pay = (id: number): string => `UPDATE orders SET refunded = true WHERE id = ${id}`;

function gist({ deviations }: TaskResult): readonly string[] {
  return deviations.map(({ kind, command = '', how }) => [kind, command, how].join(' ').replace('  ', ' '));
}

async function found(...ids: string[]) {
  const { outputs, result } = await derived(session(...selected(LIST, 'id', ids)), given);
  expect(result.verdict).toBe('kept');
  return new Map([[FIND_SESSION, outputs]]);
}

async function refund(said: readonly Said[], more: Partial<Given> = {}) {
  const outputs = await found('7', '8');
  return derived(session(...said), { ...given, task: 'refund', steps: FOUND, outputs, ...more });
}

describe('a result', () => {
  test('of a session that kept its contract: commands, an output by digests, what it was derived of', async () => {
    const { result, outputs } = await derived(session(...selected(LIST, 'id', ['7', '8', '7'])), given);
    expect(resultSchema.parse(JSON.parse(canonicalJson(result)))).toEqual(result);
    expect(result).toMatchObject({ verdict: 'kept', deviations: [], task: 'find' });
    expect(result.commands).toMatchObject([{ command: 'list', outcome: 'completed', rows: 3 }]);
    expect(result.outputs).toMatchObject([
      { name: 'returned', of: 'list', rows: 3, columns: [{ name: 'id', distinct: 2 }] },
    ]);
    const digests = new RunDigests(KEY);
    const expected = ['7', '8'].map((id) => digests.ofValue(id, 'integer'));
    expect(outputs.columns.get('returned.id')).toEqual(new Set(expected.toSorted()));
    expect(canonicalJson(result)).not.toContain('"7"');
  });

  test('where the order of rows says nothing', async () => {
    const one = await derived(session(...selected(LIST, 'id', ['7', '8'])), given);
    const other = await derived(session(...selected(LIST, 'id', ['8', '7'])), given);
    expect(other.result.outputs).toEqual(one.result.outputs);
  });

  test('where each value came from', async () => {
    const { result } = await refund([...done(pay(7), 'UPDATE 1'), ...done(pay(8), 'UPDATE 1')]);
    expect(result.verdict).toBe('kept');
    expect(result.lineage).toEqual([
      { command: 'pay', hole: '$1', from: 'find.returned.id', values: 2, found: 2, session: FIND_SESSION },
    ]);
  });

  test('security case: a value that no earlier output has is a deviation, though nobody noted it', async () => {
    const { result } = await refund(done(pay(9), 'UPDATE 1'));
    expect(gist(result)).toEqual(['origin pay recorded']);
    expect(result.verdict).toBe('deviated');
    expect(result.lineage).toMatchObject([{ values: 1, found: 0 }]);
  });

  test('an execution after it began is no origin', async () => {
    const [started, ended, own] = FOUND;
    const { result } = await refund(done(pay(7), 'UPDATE 1'), { steps: [started!, own!, ended!] });
    expect(gist(result)).toEqual(['origin pay recorded']);
  });

  test.each([
    [
      'another command',
      done('DELETE FROM orders', 'DELETE 9'),
      ['not-in-contract recorded', 'missing pay recorded'],
    ],
    [
      'what does not parse',
      [
        ['client', query('selec')],
        ['target', server.error('no'), server.ready],
      ],
      ['unreadable recorded', 'missing pay recorded'],
    ],
    ['too often', [7, 8, 7, 8].flatMap((id) => done(pay(id), 'UPDATE 1')), ['too-often pay recorded']],
    ['too many rows changed', done(pay(7), 'UPDATE 2'), ['affected pay recorded']],
    [
      'an error',
      [
        ['client', query(pay(7))],
        ['target', server.error('no'), server.ready],
      ],
      ['error pay recorded', 'missing pay recorded'],
    ],
    ['nothing', [], ['missing pay recorded']],
    [
      'a setting',
      [...done('SET search_path = other', 'SET'), ...done(pay(7), 'UPDATE 1')],
      ['setting recorded'],
    ],
    [
      'SQL in SQL',
      [...done('DO $$ begin end $$', 'DO'), ...done(pay(7), 'UPDATE 1')],
      ['not-in-contract recorded'],
    ],
    [
      'a call past SQL',
      [['client', message(0x46, new Uint8Array(10))], ['target', server.ready], ...done(pay(7), 'UPDATE 1')],
      ['unreadable recorded'],
    ],
  ] as [string, Said[], string[]][])('deviates: %s', async (_, said, expected) => {
    const { result } = await refund(said);
    expect(gist(result)).toEqual(expected);
    expect(result.verdict).toBe('deviated');
  });

  test('what is beside it passes', async () => {
    const said = [...done('BEGIN', 'BEGIN'), ...done(pay(7), 'UPDATE 1'), ...done('COMMIT', 'COMMIT')];
    said[1] = ['target', server.tag('BEGIN'), backend.readyForQuery('T')];
    said[3] = ['target', server.tag('UPDATE 1'), backend.readyForQuery('T')];
    const { result } = await refund(said);
    expect(result).toMatchObject({ verdict: 'kept', deviations: [] });
  });

  test.each(['ROLLBACK', 'the end'])('what ends with %s counts for nothing', async (end) => {
    const said: Said[] = [
      ['client', query('BEGIN')],
      ['target', server.tag('BEGIN'), backend.readyForQuery('T')],
      ['client', query(pay(7))],
      ['target', server.tag('UPDATE 1'), backend.readyForQuery('T')],
      ...(end === 'ROLLBACK' ? done('ROLLBACK', 'ROLLBACK') : []),
    ];
    const { result } = await refund(said);
    expect(gist(result)).toEqual(['missing pay recorded']);
    expect(result.commands[1]).toMatchObject({ command: 'pay', outcome: 'completed', undone: true });
    expect(result.lineage).toMatchObject([{ values: 0, found: 0 }]);
  });

  test('what is prepared to be committed counts, whoever commits it: as on the path', async () => {
    const { result } = await refund([
      ['client', query('BEGIN')],
      ['target', server.tag('BEGIN'), backend.readyForQuery('T')],
      ['client', query(pay(7))],
      ['target', server.tag('UPDATE 1'), backend.readyForQuery('T')],
      ...done("PREPARE TRANSACTION 'x'", 'PREPARE TRANSACTION'),
    ]);
    expect(result.commands.map(({ undone }) => undone)).toEqual([undefined, undefined, undefined]);
    expect(gist(result)).toEqual(['not-in-contract recorded']);
    expect(result.lineage).toMatchObject([{ values: 1, found: 1 }]);
  });

  test('a COMMIT that was a ROLLBACK took back what it should have kept', async () => {
    const said: Said[] = [
      ['client', query('BEGIN')],
      ['target', server.tag('BEGIN'), backend.readyForQuery('T')],
      ...selected(LIST, 'id', ['1']),
      ['client', query('COMMIT')],
      ['target', server.tag('ROLLBACK'), server.ready],
    ];
    said[3] = [
      'target',
      server.columns(['id', 23]),
      server.row('1'),
      server.tag('SELECT 1'),
      backend.readyForQuery('E'),
    ];
    const { result, outputs } = await derived(session(...said), given);
    expect(gist(result)).toEqual(['missing list recorded', 'missing list recorded']);
    expect(outputs.columns.size).toBe(0);
  });

  test('what reviewers approved leaves it kept, and is listed with their request', async () => {
    const request = '0190a000-0000-7000-8000-0000000000bb';
    const note = { kind: 'origin', command: 'pay', expected: 'x', seen: 'y', how: 'approved', request };
    const { result } = await refund([
      ['client', query(pay(9))],
      noted(note),
      ['target', server.tag('UPDATE 1'), server.ready],
    ]);
    expect(result.deviations).toMatchObject([{ kind: 'origin', how: 'approved', request }]);
    expect(result.verdict).toBe('kept');
  });

  test('an approval is good for one deviation', async () => {
    const note = { kind: 'origin', command: 'pay', expected: 'x', seen: 'y', how: 'approved' };
    const paid = (id: number): Said[] => done(pay(id), 'UPDATE 1');
    const { result } = await refund([...paid(9), noted(note), ...paid(10)]);
    expect(gist(result)).toEqual(['origin pay approved', 'origin pay recorded']);
  });

  test('what was stopped never reached the target, and is known by its note', async () => {
    const note = { kind: 'not-in-contract', expected: 'x', seen: 'y', how: 'stopped' };
    const said: Said[] = [
      ['client', query('DROP TABLE orders')],
      noted(note),
      ['gateway', backend.errorResponse({ severity: 'FATAL', sqlstate: 'UC001', message: 'no' })],
    ];
    const { result } = await refund(said, { reason: 'deviated' });
    expect(gist(result)).toEqual(['not-in-contract stopped', 'missing pay recorded']);
    expect(result.commands).toMatchObject([{ outcome: 'refused' }]);
  });

  test('values of an output are kept where the contract says so, and no more than that', async () => {
    const keeps = {
      ...FIND,
      does: [{ name: 'list', statement: LIST }],
      outputs: { returned: { of: 'list', columns: ['id'], keep: true } },
    };
    const workflow = await workflowOf(keeps);
    const few = await derived(session(...selected(LIST, 'id', ['7', null])), { workflow });
    expect(few.result.outputs).toMatchObject([{ kept: [['7'], [null]] }]);
    const ids = Array.from({ length: 1001 }, (_, at) => String(at));
    const many = await derived(session(...selected(LIST, 'id', ids)), { workflow });
    expect(many.result.deviations).toMatchObject([
      { kind: 'missing', seen: 'it is more than the 1000 rows or 64 KiB that can be kept' },
    ]);
  });

  test('an output whose column does not come is missing', async () => {
    const workflow = await workflowOf({ ...FIND, does: [{ name: 'list', statement: LIST }] });
    const { result } = await derived(session(...selected(LIST, 'other', ['7'])), { workflow });
    expect(result.deviations).toMatchObject([{ kind: 'missing', seen: 'it has no column id' }]);
  });

  test('a COPY out is an output by its bytes, and one in an input that has to be the same', async () => {
    const dump = {
      does: [{ name: 'dump', statement: 'COPY orders TO STDOUT' }],
      outputs: { all: { of: 'dump', stream: 'copy' } },
    };
    const load = {
      does: [{ name: 'load', statement: 'COPY orders FROM STDIN' }],
      inputs: { all: { of: 'load', stream: 'copy', from: 'find.all' } },
    };
    const workflow = await workflowOf(dump, load);
    const dumped = await derived(
      session(
        ['client', query('COPY orders TO STDOUT')],
        [
          'target',
          server.copyOut,
          server.copyData('1\n'),
          server.copyData('2\n'),
          server.copyDone,
          server.tag('COPY 2'),
          server.ready,
        ],
      ),
      { workflow },
    );
    expect(dumped.result).toMatchObject({ verdict: 'kept', outputs: [{ name: 'all', bytes: 4 }] });
    const outputs = new Map([[FIND_SESSION, dumped.outputs]]);
    const loaded = (text: string) =>
      derived(
        session(
          ['client', query('COPY orders FROM STDIN')],
          ['target', server.copyIn],
          ['client', message(0x64, Buffer.from(text)), message(0x63)],
          ['target', server.tag('COPY 2'), server.ready],
        ),
        { workflow, task: 'refund', steps: FOUND, outputs },
      );
    expect((await loaded('1\n2\n')).result).toMatchObject({
      verdict: 'kept',
      inputs: [{ matches: true, session: FIND_SESSION }],
    });
    const swapped = (await loaded('1\n3\n')).result;
    expect(gist(swapped)).toEqual(['input load recorded']);
    expect(swapped.inputs).toMatchObject([{ matches: false }]);
  });

  test('lists a thousand commands and deviations, and counts the rest', async () => {
    const said = Array.from({ length: 1500 }, () => done('DELETE FROM orders', 'DELETE 1')).flat();
    const { result } = await refund(said);
    expect(result.commands.length + result.commandsOmitted).toBe(1500);
    expect(result.deviations.length + result.deviationsOmitted).toBe(1501);
    expect(canonicalJson(result).length).toBeLessThan(1 << 20);
    expect(result.verdict).toBe('deviated');
  });

  test('is refused for a session of another run', async () => {
    const workflow = await workflowOf(FIND, { ...PAY, order: 'strict' });
    await expect(derived(session(), { ...given, workflow, task: 'other' })).rejects.toMatchObject({
      code: 'format-invalid',
    });
  });
});

test('what later tasks take values from is missing where it has too many of them: they would hear no reason', async () => {
  const { contract } = given.workflow.tasks.get('find')!;
  const digests = new RunDigests(KEY);
  const literal = (text: string): SeenLiteral => ({ kind: 'integer', text });
  const command: SeenCommand = { shape: contract.commands[0]!.shape.shape, values: [], text: LIST };
  const put = (values: number, taken: readonly string[], most: { ofColumn: number; ofAll: number }) => {
    const outputs = new TaskOutputs(contract, digests, new Set(taken), most);
    const take = outputs.rows(command, ['id'])!;
    for (let n = 0; n < values; n++) take([literal(String(n))], true);
    outputs.count(command, 0, { outcome: 'completed', tookMs: 0, rows: values });
    return [
      outputs.missing().map(({ kind, seen }) => `${kind} ${seen.slice(0, 28)}`),
      outputs.digests().columns.size,
    ];
  };
  const missing = ['missing it has more different values'];
  expect(put(3, ['returned.id'], { ofColumn: 3, ofAll: 3 })).toEqual([[], 1]);
  expect(put(4, ['returned.id'], { ofColumn: 3, ofAll: 9 })).toEqual([missing, 0]);
  expect(put(4, ['returned.id'], { ofColumn: 9, ofAll: 3 })).toEqual([missing, 0]);
  // Where nobody takes from it, its digest is enough.
  expect(put(4, [], { ofColumn: 3, ofAll: 3 })).toEqual([[], 0]);
  expect([...takenFrom(given.workflow, 'find')]).toEqual(['returned.id']);
  expect([...takenFrom(given.workflow, 'refund')]).toEqual([]);
});

test('the same evidence in other frames gives the same bytes', async () => {
  const outputs = await found('7', '8');
  const said = [
    ...done(pay(7), 'UPDATE 1'),
    ...selected('select 1', 'é', ['5']),
    ...done('SET client_encoding = latin1', 'SET'),
    ...done(pay(9), 'UPDATE 1'),
  ];
  const frames = session(...said);
  const of = { ...given, task: 'refund', steps: FOUND, outputs };
  const whole = canonicalJson((await derived(frames, of)).result);
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), async (cuts) => {
      const cut = frames.flatMap((frame): ReplayFrame[] => {
        if (frame.stream === 'note') return [frame];
        const at = Math.floor(cuts.next().value * frame.payload.length);
        return [frame.payload.subarray(0, at), frame.payload.subarray(at)].map((payload) => ({
          ...frame,
          payload,
        }));
      });
      expect(canonicalJson((await derived(cut, of)).result)).toBe(whole);
    }),
    { numRuns: 50 },
  );
});
