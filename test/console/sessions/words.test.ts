import { describe, expect, test } from 'vitest';
import { closeReasons } from '#core/recording/format.ts';
import { columnsOf } from '../../../console/sessions/density-columns.ts';
import { filtersOf, localText, timeOf } from '../../../console/sessions/filters.ts';
import { markedParts, markedWords } from '../../../console/sessions/search-terms.ts';
import { headOf, resultOf } from '../../../console/sessions/step-words.ts';
import { liveFirst } from '../../../console/sessions/list-rows.ts';
import { bytesText, CLOSE_REASONS, placeText, tookText } from '../../../console/sessions/words.ts';
import type { Step } from '../../../console/api/sessions.ts';
import type { Session } from '../../../console/api/types.ts';

const value = (text: string) => ({ text, bytes: text.length, cut: false });
const step = (more: object): Step => ({ number: 1, marks: [], kind: 'query', at: 0, took: 0, ...more });

describe('words of sessions', () => {
  test('are there for every reason that a session ends for', () => {
    expect(CLOSE_REASONS.map(({ reason }) => reason).toSorted()).toEqual([...closeReasons].toSorted());
  });

  test.each([
    [bytesText(999), '999 bytes'],
    [bytesText(1536), '1.5 KiB'],
    [bytesText(300 << 20), '300 MiB'],
    [tookText(90), '90 µs'],
    [tookText(1_234), '1.2 ms'],
    [tookText(61_000_000), '1 min 1 s'],
    [placeText(4_125_000), '0:04.125'],
    [placeText(3_723_000_000), '1:02:03'],
  ])('%s', (text, words) => {
    expect(text).toBe(words);
  });

  test.each<[object, string, string]>([
    [{ statement: value(' select 1 '), rowCount: 1, tag: 'SELECT 1' }, 'select 1', '1 row'],
    [{ statement: value('insert'), rowCount: 2, tag: 'INSERT 0 2' }, 'insert', 'INSERT 0 2'],
    [{ statement: value('x'), outcome: 'failed', error: { sqlstate: '42601', message: 'm' } }, 'x', '42601'],
    [{ kind: 'exec', command: value('ls'), program: { exitStatus: 2 } }, 'ls', 'exit 2'],
    [
      {
        kind: 'call',
        call: {
          method: 'GET',
          target: value('/'),
          verb: 'list',
          resource: 'pods',
          namespace: 'dev',
          status: 403,
        },
      },
      'list pods in dev',
      '403',
    ],
    [
      { kind: 'file', file: { operation: 'write', path: '/etc/x' }, outcome: 'refused' },
      'write /etc/x',
      'refused',
    ],
    [{ kind: 'end', text: 'the client said goodbye' }, 'the client said goodbye', ''],
    [{ kind: 'cancel' }, 'cancel', ''],
  ])('%j is a line', (json, head, result) => {
    expect([headOf(step(json)), resultOf(step(json))]).toEqual([head, result]);
  });
});

describe('filters', () => {
  test('are what the address says, and nothing else', () => {
    expect(filtersOf({ person: ' dana ', state: 'open', target: '', step: '4' })).toEqual({
      person: 'dana',
      state: 'open',
    });
    expect(filtersOf({ state: 'else' })).toEqual({});
  });

  test('have times that come back as they were given', () => {
    const time = timeOf('2026-11-29T21:04')!;
    expect(localText(time)).toBe('2026-11-29T21:04');
    expect(timeOf(time)).toBe(time);
    expect(timeOf('nonsense')).toBe('nonsense');
    expect([timeOf(''), localText(undefined), localText('nonsense')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('leave live sessions first, each once', () => {
    const sessions = (...ids: string[]) => ids.map((id) => ({ id })) as unknown as Session[];
    expect(liveFirst(sessions('5', '4', '3'), sessions('3')).map(({ id }) => id)).toEqual(['3', '5', '4']);
  });
});

describe('what is looked for', () => {
  test('is marked in an excerpt, whatever its case, and nothing of it is a pattern', () => {
    const words = markedWords({ text: 'refund "Duplicate key" a.c', relation: 'audit.log:read' });
    expect(words).toEqual(['refund', 'Duplicate key', 'a.c', 'log']);
    const parts = markedParts('REFUND abc a.c duplicate key', words);
    expect(parts.filter(({ isMarked }) => isMarked).map(({ text }) => text)).toEqual([
      'REFUND',
      'a.c',
      'duplicate key',
    ]);
    expect(parts.map(({ text }) => text).join('')).toBe('REFUND abc a.c duplicate key');
    expect(markedParts('all', [])).toEqual([{ text: 'all', isMarked: false }]);
  });
});

describe('steps over time', () => {
  test('are all in the strip, whether pieces are points or long', () => {
    const pieces = [
      { first: 1, steps: 3, errors: 1, writes: 0, from: 0, to: 0 },
      { first: 4, steps: 500, errors: 0, writes: 50, from: 0, to: 1_000_000 },
      { first: 504, steps: 1, errors: 1, writes: 1, from: 1_000_000, to: 1_000_000 },
    ];
    const columns = columnsOf(pieces, 1_000_000);
    const sum = (of: 'steps' | 'errors' | 'writes') => columns.reduce((all, column) => all + column[of], 0);
    expect(sum('steps')).toBeCloseTo(504);
    expect([columns[0]!.errors, columns.at(-1)!.errors]).toEqual([1, 1]);
    expect(sum('writes')).toBeCloseTo(51);
  });
});
