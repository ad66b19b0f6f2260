import { expect, test } from 'vitest';
import type { Api, Query } from '../../../console/api/client.ts';
import { SessionsApi, type Step } from '../../../console/api/sessions.ts';
import { channelsOf } from '../../../console/terminal/markers.ts';

const LAST = 3;

/** An API with so many pages, each of one step. */
function api(asked: (Query[string] | undefined)[]): Api {
  const get = async (path: string, query: Query): Promise<unknown> => {
    asked.push(query['cursor']);
    const cursor = Number(query['cursor'] ?? 0);
    expect(path).toBe('/v1/sessions/s/steps');
    return { steps: [step(cursor + 1)], ...(cursor + 1 < LAST ? { next: cursor + 1 } : {}) };
  };
  return { get } as unknown as Api;
}

function step(number: number, more: Readonly<Record<string, unknown>> = {}): Step {
  return { kind: 'exec', at: number, took: 0, number, marks: [], ...more };
}

test("a session's first steps are asked for page by page, and no further than is wanted", async () => {
  for (const [pages, numbers] of [
    [2, [1, 2]],
    [9, [1, 2, 3]],
  ] as const) {
    const asked: (Query[string] | undefined)[] = [];
    const steps = await new SessionsApi(api(asked)).firstSteps('s', pages);
    expect(steps.map(({ number }) => number)).toEqual(numbers);
    expect(asked).toEqual([undefined, 1, 2].slice(0, numbers.length));
  }
});

test('what has a terminal of its own comes first, of SSH and of Kubernetes', () => {
  const steps = [
    step(1, { channel: 1, program: {}, command: { text: 'ls', bytes: 2, cut: false } }),
    step(2, { channel: 2, program: { pty: { term: 'xterm' } }, kind: 'shell' }),
    step(3, { channel: 3, program: { tty: true }, kind: 'attach' }),
    step(4, { channel: 4, kind: 'command', program: { tty: true } }),
    step(5),
  ];
  expect(channelsOf(steps)).toEqual([
    { number: 2, label: 'shell', isTerminal: true },
    { number: 3, label: 'attach', isTerminal: true },
    { number: 1, label: 'ls', isTerminal: false },
  ]);
});
