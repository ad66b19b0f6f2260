import { describe, expect, test } from 'vitest';
import { taskByKey } from '../../../console/runs/graph-keys.ts';
import { graphOf } from '../../../console/runs/graph-of.ts';
import { type Direction, placed } from '../../../console/runs/layout.ts';
import { aTask } from './support.ts';

const INPUT = { name: 'c', values: { $1: { type: 'text', input: 'x' } } };
const graph = graphOf({
  tasks: [
    aTask('top', { does: [INPUT] }),
    aTask('left', { after: ['top'] }),
    aTask('right', { after: ['top'] }),
    aTask('bottom', { after: ['left', 'right'] }),
  ],
});
const press = (direction: Direction, from: string, ...keys: readonly string[]): string | undefined => {
  const place = { graph, placed: placed(graph, direction), direction };
  return keys.reduce<string | undefined>((at, key) => at && taskByKey(key, at, place), from);
};

describe('keys in a graph that goes right', () => {
  test.each<[from: string, keys: readonly string[], to: string | undefined]>([
    ['left', ['ArrowRight'], 'bottom'],
    ['left', ['ArrowLeft'], 'top'],
    ['left', ['ArrowDown'], 'right'],
    ['left', ['ArrowUp'], undefined],
    ['right', ['ArrowUp'], 'left'],
    ['bottom', ['ArrowRight'], undefined],
    ['top', ['ArrowLeft'], undefined],
    ['right', ['Home'], 'top'],
    ['top', ['End'], 'bottom'],
    ['top', ['x'], undefined],
    ['nobody', ['ArrowRight'], undefined],
  ])('from %s by %j', (from, keys, to) => {
    expect(press('right', from, ...keys)).toBe(to);
  });

  test('reach every task', () => {
    expect(['left', 'right']).toContain(press('right', 'top', 'ArrowRight'));
    expect(press('right', 'top', 'ArrowRight', 'ArrowRight')).toBe('bottom');
  });
});

test('in one that goes down they are turned', () => {
  expect(press('down', 'left', 'ArrowDown')).toBe('bottom');
  expect(press('down', 'left', 'ArrowUp')).toBe('top');
  expect(press('down', 'left', 'ArrowRight')).toBe('right');
});
