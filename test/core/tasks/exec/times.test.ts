import { expect, it } from 'vitest';
import { type Given, timesOf } from '#core/tasks/exec/times.ts';

type Shown = Parameters<typeof timesOf>[0];
const command = {
  name: 'some',
  statement: 'SELECT id FROM orders WHERE id = ANY($1) AND status = $2',
  values: { $1: { type: 'integer', nullable: false, many: 10 }, $2: { type: 'text', nullable: false } },
  times: { min: 1, max: 2 },
} as unknown as Shown;
const nothing: Given = { values: {}, rows: {}, each: false, ask: undefined };

async function of(given: Partial<Given>): Promise<object[]> {
  const times = await timesOf(command, {}, { inputs: {} }, { ...nothing, ...given });
  return times.map((values) => Object.fromEntries(values));
}

it('takes a list in one text, and a text as it is', async () => {
  expect(await of({ values: { $1: '1,2', 'some.$2': 'a,b' } })).toEqual([{ $1: ['1', '2'], $2: 'a,b' }]);
  expect(await of({ rows: { some: [{ $1: ['1', '2'], $2: 'a' }] } })).toEqual([{ $1: ['1', '2'], $2: 'a' }]);
});

it('asks for what is missing where there is somebody, and else says how to give it', async () => {
  const asked: string[] = [];
  const ask = async (question: string): Promise<string> => {
    asked.push(question);
    return '7,8';
  };
  expect(await of({ ask })).toEqual([{ $1: ['7', '8'], $2: '7,8' }]);
  expect(asked).toEqual(['some $1 (with commas): ', 'some $2: ']);
  await expect(of({})).rejects.toMatchObject({
    message: 'there is no value for $1 of some',
    hint: "give it: --value 'some.$1=…', or many: --values @file.json",
  });
});
