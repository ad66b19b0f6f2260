import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';

const file = (workflow: string, rules = ''): string => `version: 1
identity: { issuer: https://id.example, audience: custody }
targets:
  orders-db: { protocol: postgres, address: "db:5432", database: main, credential: { user: app, passwordFile: secret } }
${rules}workflows:
  refunds:
${workflow}`;

const task = (name: string, more = '', contract = 'does: [{ name: look, statement: SELECT 1 }]'): string =>
  `      ${name}: { target: orders-db, by: { groups: [a] }, ${more}contract: { ${contract} } }\n`;

function mistake(text: string): string | undefined {
  try {
    parseConfig(text, 'f');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
}

const tasks = (...all: string[]): string => file(`    tasks:\n${all.join('')}`);
const RETURNED =
  'does: [{ name: look, statement: SELECT id }], outputs: { returned: { of: look, columns: [id] } }';
const taking = (from: string): string =>
  `does: [{ name: pay, statement: "SELECT $1", values: { $1: { type: integer, from: ${from} } } }]`;

describe('workflows in custody.yaml', () => {
  it('are taken where they are sound', () => {
    const sound = tasks(
      task('find', '', RETURNED),
      task('refund', 'after: [find], ', taking('find.returned.id')),
    );
    expect(mistake(sound)).toBeUndefined();
    const { workflows } = parseConfig(sound, 'f');
    expect(workflows.get('refunds')?.tasks['refund']).toMatchObject({
      after: ['find'],
      runs: 1,
      within: 3_600_000,
    });
    expect(workflows.get('refunds')?.written).toContain('"after":["find"]');
  });

  it.each([
    [
      'a target that is not there',
      tasks(task('find').replace('orders-db', 'other')),
      'no target is named "other"',
    ],
    ['a task that is not there', tasks(task('find', 'after: [lost], ')), 'there is no other task "lost"'],
    ['itself before itself', tasks(task('find', 'after: [find], ')), 'there is no other task "find"'],
    [
      'a circle',
      tasks(task('a', 'after: [b], '), task('b', 'after: [a], ')),
      'these tasks wait for each other',
    ],
    [
      'a command of another protocol',
      tasks(task('find', '', 'does: [{ name: look, argv: [ls] }]')),
      'has statement',
    ],
    [
      'a command twice',
      tasks(task('find', '', 'does: [{ name: a, statement: x }, { name: a, statement: y }]')),
      'already',
    ],
    [
      'a value of a task that need not come before',
      tasks(task('find', '', RETURNED), task('refund', '', taking('find.returned.id'))),
      '"find" is no task that this one comes after',
    ],
    [
      'a value of a column that no output has',
      tasks(task('find', '', RETURNED), task('refund', 'after: [find], ', taking('find.returned.amount'))),
      'has no column "amount"',
    ],
    [
      'an input that is not declared',
      tasks(task('a', '', taking('x').replace('from: x', 'input: x'))),
      'no input "x"',
    ],
    [
      'nobody',
      tasks(task('find').replace('{ groups: [a] }', '{ actor: any }')),
      'expected groups, people or an issuer',
    ],
    [
      'an issuer that is not there',
      tasks(task('find').replace('groups: [a]', 'issuer: ci')),
      'no issuer is named "ci"',
    ],
  ])('are refused with %s', (_, text, words) => {
    const said = mistake(text);
    expect(said).toContain(words);
    expect(said).toMatch(/^f:\d+:\d+: workflows\.refunds\./);
  });

  it('are named by rules as they are', () => {
    const rule = (name: string): string =>
      `rules: [{ name: r, groups: [a], targets: [orders-db], allow: [connect], when: { task: ${name} } }]\n`;
    const body = `    tasks:\n${task('find')}`;
    expect(mistake(file(body, rule('refunds/find')))).toBeUndefined();
    expect(mistake(file(body, rule('refunds/*')))).toBeUndefined();
    expect(mistake(file(body, rule('refunds/lost')))).toContain('there is no task "refunds/lost"');
    expect(mistake(file(body, rule('refunds')))).toContain('expected workflow/task');
  });
});
