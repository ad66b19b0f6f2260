import { describe, expect, it } from 'vitest';
import { ContractMistake, compileContract } from '#core/tasks/contract.ts';
import { ContractWatch } from '#core/tasks/contract-watch.ts';
import { RunDigests } from '#core/tasks/digests.ts';
import { workflowSchema } from '#core/tasks/schema.ts';
import type { SeenAnswer, SeenCommand } from '#core/tasks/seen.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';
import type { ValueFacts } from '#core/tasks/values.ts';

/** Commands of one word, then values: a protocol that is as simple as can be. */
const SHAPES: Pick<CommandShapes, 'declare'> = {
  declare: ({ argv = [] }) => {
    const [word = '', ...values] = argv;
    if (word === 'bad') throw new Error('does not parse');
    return {
      shape: word,
      text: argv.join(' '),
      places: values.map((value) =>
        value.startsWith('$') ? { hole: value } : { constant: { kind: 'text', text: value } },
      ),
    };
  },
};
const FACTS: ValueFacts = {
  inputs: new Map(),
  column: () => undefined,
  digests: new RunDigests(Buffer.alloc(32)),
};

interface Written {
  readonly does: readonly object[];
  readonly order?: string;
}

function watchOf(contract: Written): ContractWatch {
  const task = { target: 'web-1', by: { groups: ['a'] }, within: '1m', contract };
  const declared = workflowSchema.parse({ tasks: { t: task } }).tasks['t']!;
  return new ContractWatch(compileContract(declared, SHAPES as CommandShapes), FACTS);
}

const seen = (shape: string, ...values: string[]): SeenCommand => ({
  shape,
  text: shape,
  values: values.map((text) => ({ kind: 'text', text })),
});

/** What became of each, in turn; what fits goes on. */
function outcomes(watch: ContractWatch, ...commands: SeenCommand[]): string[] {
  return commands.map((command) => {
    const judged = watch.judge(command, 0);
    if (!judged.fits) return judged.deviation.kind;
    watch.went(judged.command);
    return 'fits';
  });
}

const answer = (more: Partial<SeenAnswer> = {}): SeenAnswer => ({ outcome: 'completed', tookMs: 1, ...more });

describe('ContractWatch', () => {
  it('knows the commands of the contract, and no other', () => {
    const watch = watchOf({ does: [{ name: 'look', argv: ['ls'] }] });
    expect(outcomes(watch, seen('rm'), seen('ls'))).toEqual(['not-in-contract', 'fits']);
  });

  it('has one value for one open place, wherever it stands', () => {
    const does = [{ name: 'copy', argv: ['cp', '$1', '$1'], values: { $1: { type: 'text' } }, times: 2 }];
    const watch = watchOf({ does });
    expect(outcomes(watch, seen('cp', 'a', 'a'), seen('cp', 'a', 'b'))).toEqual(['fits', 'value']);
  });

  it('counts how often each runs', () => {
    const watch = watchOf({ does: [{ name: 'look', argv: ['ls'], times: { min: 0, max: 2 } }] });
    expect(outcomes(watch, seen('ls'), seen('ls'), seen('ls'))).toEqual(['fits', 'fits', 'too-often']);
    watch.undone(0);
    expect(outcomes(watch, seen('ls'))).toEqual(['fits']);
  });

  it('compares values with what the contract has written', () => {
    const watch = watchOf({
      does: [
        {
          name: 'show',
          argv: ['cat', 'notes', '$1'],
          values: { $1: { type: 'text', oneOf: ['a'] } },
          times: 9,
        },
      ],
    });
    expect(
      outcomes(watch, seen('cat', 'notes', 'a'), seen('cat', 'other', 'a'), seen('cat', 'notes', 'b')),
    ).toEqual(['fits', 'value', 'value']);
  });

  it('takes, of several commands of one shape, the one that fits', () => {
    const does = ['a', 'b'].map((value) => ({ name: value, argv: ['cat', value] }));
    const watch = watchOf({ does });
    expect(outcomes(watch, seen('cat', 'b'), seen('cat', 'a'), seen('cat', 'a'))).toEqual([
      'fits',
      'fits',
      'too-often',
    ]);
  });

  it('keeps a strict order: forwards, and past nothing that is owed', () => {
    const does = ['a', 'b', 'c'].map((name) => ({
      name,
      argv: [name],
      times: { min: name === 'b' ? 0 : 1, max: 2 },
    }));
    expect(
      outcomes(watchOf({ does, order: 'strict' }), seen('b'), seen('a'), seen('a'), seen('c'), seen('b')),
    ).toEqual(['out-of-order', 'fits', 'fits', 'fits', 'out-of-order']);
    expect(outcomes(watchOf({ does }), seen('c'), seen('b'), seen('a'))).toEqual(['fits', 'fits', 'fits']);
  });

  it('ends with the time of the task, and knows what cannot be read', () => {
    const watch = watchOf({ does: [{ name: 'look', argv: ['ls'] }] });
    expect(watch.judge(seen('ls'), 60_000)).toMatchObject({ fits: true });
    expect(watch.judge(seen('ls'), 60_001)).toMatchObject({ deviation: { kind: 'too-late' } });
    const unreadable = watch.judge({ text: '?', why: 'does not parse' }, 0);
    expect(unreadable).toMatchObject({ deviation: { kind: 'unreadable' } });
  });

  it('says at the end what has not run', () => {
    const watch = watchOf({ does: [{ name: 'look', argv: ['ls'], times: 2 }] });
    outcomes(watch, seen('ls'));
    expect(watch.missing()).toMatchObject([{ kind: 'missing', command: 'look', seen: 'it ran once' }]);
  });

  it('is not changed by what its copy sees', () => {
    const watch = watchOf({ does: [{ name: 'look', argv: ['ls'] }] });
    outcomes(watch.copy(), seen('ls'));
    expect(outcomes(watch, seen('ls'))).toEqual(['fits']);
  });
});

describe('an answer', () => {
  const expecting = (answers: object): ContractWatch =>
    watchOf({ does: [{ name: 'look', argv: ['ls'], answers }] });
  const kinds = (answers: object, seenAnswer: SeenAnswer, isWhole = true): string[] =>
    expecting(answers)
      .answered(0, seenAnswer, isWhole)
      .map(({ kind }) => kind);

  it('has as many rows as it should', () => {
    expect(kinds({ rows: 3 }, answer({ rows: 3 }))).toEqual([]);
    expect(kinds({ rows: 3 }, answer({ rows: 2 }))).toEqual(['rows']);
    expect(kinds({ rows: { max: 3 } }, answer({ rows: 4 }))).toEqual(['rows']);
    expect(kinds({ affected: 1 }, answer({ affected: 2 }))).toEqual(['affected']);
  });

  it('is too much already before it is whole, and never too little', () => {
    expect(kinds({ rows: 3 }, answer({ rows: 2 }), false)).toEqual([]);
    expect(kinds({ rows: 3 }, answer({ rows: 4 }), false)).toEqual(['rows']);
  });

  it('has its columns, its time, and no error', () => {
    expect(kinds({ columns: ['a'] }, answer({ columns: ['a', 'b'] }))).toEqual(['columns']);
    expect(kinds({ within: '5s' }, answer({ tookMs: 5001 }))).toEqual(['slow']);
    expect(kinds({}, answer({ outcome: 'failed', error: '42P01' }))).toEqual(['error']);
    expect(kinds({ error: 'any', rows: 3 }, answer({ outcome: 'failed', error: '42P01' }))).toEqual([]);
  });
});

describe('compileContract', () => {
  const mistakeOf = (contract: Written): unknown => {
    try {
      return watchOf(contract);
    } catch (error) {
      return error instanceof ContractMistake && [error.path.join('.'), error.message];
    }
  };

  it('says where a contract is wrong', () => {
    expect(mistakeOf({ does: [{ name: 'a', argv: ['bad'] }] })).toEqual(['does.0', 'does not parse']);
    expect(mistakeOf({ does: [{ name: 'a', argv: ['ls', '$1'] }] })).toEqual([
      'does.0.values',
      'says nothing of $1',
    ]);
    expect(mistakeOf({ does: [{ name: 'a', argv: ['ls'], values: { $1: { type: 'text' } } }] })).toEqual([
      'does.0.values.$1',
      'is no open place of the command',
    ]);
    const pattern = { type: 'text', pattern: '(?=a)' };
    expect(mistakeOf({ does: [{ name: 'a', argv: ['ls', '$1'], values: { $1: pattern } }] })).toMatchObject([
      'does.0.values.$1.pattern',
      expect.any(String),
    ]);
  });
});
