import { beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#core/access/config.ts';
import type { CommandReader } from '#core/protocols/postgres/shapes/commands.ts';
import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import type { ObservedExecution, ObservedSession } from '#core/tasks/learn/observe.ts';
import { learn } from '#core/tasks/learn.ts';
import type { SeenAnswer } from '#core/tasks/seen.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';
import { localReader, seenIn } from '#test/core/protocols/postgres/shapes/support.ts';

let reader: CommandReader;
let shapes: CommandShapes;
beforeAll(async () => {
  reader = await localReader();
  shapes = await loadPostgresShapes();
});

interface Shown {
  readonly rows?: number;
  readonly affected?: number;
  readonly returned?: Record<string, readonly string[]>;
  readonly outcome?: SeenAnswer['outcome'];
}

function session(id: string, ...texts: readonly (readonly [text: string, shown?: Shown])[]): ObservedSession {
  const executions = texts.flatMap(
    ([text, { returned, outcome = 'completed', ...more } = {} as Shown], index) =>
      seenIn(reader, text).map((seen): ObservedExecution => {
        const { command, beside, sets } = seen;
        const columns = Object.keys(returned ?? {});
        const answer: SeenAnswer = {
          outcome,
          tookMs: 3,
          ...more,
          ...(columns.length > 0 ? { columns } : {}),
        };
        return {
          command,
          at: index * 1000,
          answer,
          ...(beside && { beside }),
          ...(sets && { sets }),
          ...(returned && {
            returned: new Map(Object.entries(returned).map(([name, values]) => [name, new Set(values)])),
          }),
        };
      }),
  );
  return { id, target: 'orders', executions };
}

const learned = (...sessions: readonly ObservedSession[]) =>
  learn(sessions, { workflow: 'refunds', groups: ['support'], shapesAt: () => shapes });

const CONFIG = `version: 1
identity: { issuer: https://issuer.example, audience: custody, groupsClaim: groups }
targets:
  orders:
    protocol: postgres
    address: 127.0.0.1:5432
    database: app
    tls: { mode: disable }
    credential: { user: app, passwordFile: password }
rules: [{ name: all, groups: [support], targets: [orders], allow: [connect] }]
`;

describe('a workflow that is learned', () => {
  const find = (id: string, ids: readonly string[]) =>
    session(id, [
      "SELECT id FROM orders WHERE state = 'returned' AND total < 100",
      { rows: ids.length, returned: { id: ids } },
    ]);
  const refund = (id: string, ...orders: readonly string[]) =>
    session(
      id,
      ['BEGIN'],
      ["SET work_mem = '8MB'"],
      ...orders.map(
        (order) =>
          [
            `UPDATE orders SET state = 'refunded', note = 'by ${id}' WHERE id = ${order}`,
            { affected: 1 },
          ] as const,
      ),
      ['DELETE FROM orders', { outcome: 'failed' }],
      ['COMMIT'],
    );
  const sessions = () => [
    find('s1', ['4101', '4102', '4103']),
    find('s2', ['4104', '4105']),
    refund('s3', '4101', '4103'),
    refund('s4', '4105'),
  ];

  it('has tasks, commands, what varies and where it comes from', () => {
    expect(learned(...sessions())).toBe(`# Learned from the sessions s1, s2, s3, s4.
# It allows what was seen there and nothing else: look at each range, list and number before it is used.

workflows:
  refunds:
    tasks:
      # Seen in 2 sessions.
      select-orders:
        target: orders
        # Who may run it: nobody can learn that from what was done.
        by:
          groups:
            - support
        within: 60s
        runs: 2
        contract:
          does:
            - name: select-orders
              statement: SELECT id FROM orders WHERE state = 'returned' AND total < 100
              times: 1
              answers:
                rows:
                  min: 2
                  max: 3
                columns:
                  - id
          outputs:
            select-orders:
              of: select-orders
              columns:
                - id
      # Seen in 2 sessions.
      # left out once, as it was failed: DELETE FROM orders
      update-orders:
        target: orders
        # Who may run it: nobody can learn that from what was done.
        by:
          groups:
            - support
        after:
          - select-orders
        within: 60s
        runs: 2
        contract:
          does:
            - name: update-orders
              statement: UPDATE orders SET state = 'refunded', note = $1 WHERE id = $2
              values:
                $1:
                  type: text
                  maxLength: 5
                $2:
                  type: integer
                  from: select-orders.select-orders.id
              times:
                min: 1
                max: 2
              answers:
                affected: 1
          sets:
            work_mem:
              type: text
              oneOf:
                - 8MB
`);
  });

  it('is one that custody.yaml takes', async () => {
    const config = await readConfig(`${CONFIG}${learned(...sessions())}`, 'custody.yaml');
    expect([...config.compiled.get('refunds')!.tasks.keys()]).toEqual(['select-orders', 'update-orders']);
  });

  it('says of values their types, ranges and lists', () => {
    const values = (at: number) =>
      `INSERT INTO t (a, b, c, d, e, f) VALUES (${at * 1000}, ${at}.5, 'k${at % 2}', '2026-11-0${at}', ${at > 2}, ${at === 1 ? 'NULL' : `'x${at}'`})`;
    const text = learned(
      session(
        's',
        ...[1, 2, 3, 4, 5, 6].map((at) => [values(at), { affected: 1 }] as const),
        [`SELECT 1 FROM t WHERE a IN (1, 2)`],
        [`SELECT 1 FROM t WHERE a IN (3, 4, 5)`],
      ),
    );
    for (const terms of [
      '$1:\n                  type: integer\n                  min: 1000\n                  max: 6000',
      '$2:\n                  type: number\n                  min: 1.5\n                  max: 6.5',
      '$3:\n                  type: text\n                  oneOf:\n                    - k0\n                    - k1',
      '$4:\n                  type: date\n                  min: 2026-11-01\n                  max: 2026-11-06',
      '$5:\n                  type: boolean\n',
      '$6:\n                  type: text\n                  maxLength: 2\n                  nullable: true',
      'a IN ($1)\n              values:\n                $1:\n                  type: integer\n                  min: 1\n                  max: 5\n                  many: 3',
    ])
      expect(text).toContain(terms);
  });

  it('leaves out what no contract can have, and says so on one line', () => {
    const text = learned(
      session('s', ['SELECT 1 FROM t'], ['DO $$ x\n: y $$'], ['SELECT 0x1F'], ['EXECUTE p']),
    );
    expect(text).toContain('# left out: DO $$ x : y $$: the statement is DO');
    expect(text).toContain('# left out, as it has a number that servers');
    expect(text).toContain('# left out: EXECUTE p: the statement runs a prepared statement');
  });

  it('is none of nothing', () => {
    expect(() => learned(session('s', ['BEGIN'], ['DELETE FROM t', { outcome: 'failed' }]))).toThrow(
      'no command',
    );
  });
});

describe('values that an application makes anew', () => {
  const visit = (id: string, key: string, ids: readonly number[], rows: number): ObservedSession =>
    session(
      id,
      ...[1, 2, 3].map(() => [`SELECT user_id FROM sessions WHERE key = '${key}'`, { rows: 1 }] as const),
      ...ids.map(
        (one) => [`UPDATE visits SET seen = '2026-11-${one}' WHERE id = ${one}`, { affected: 1 }] as const,
      ),
      ['SELECT id FROM visits', { rows }],
    );

  it('have no list where each session has its own, and no greatest where they grow', () => {
    const text = learned(visit('a', 'k1x', [10, 12], 2), visit('b', 'k22y', [13, 15], 4));
    expect(text).toContain('$1:\n                  type: text\n                  maxLength: 4\n');
    expect(text).toContain('type: date\n                  min: 2026-11-10\n                $2');
    expect(text).toContain('type: integer\n                  min: 10\n              times');
    expect(text).toContain('rows:\n                  min: 2\n');
  });

  it('have both where they do not', () => {
    const text = learned(visit('a', 'k1', [10, 14], 4), visit('b', 'k1', [13, 15], 2));
    expect(text).toContain("WHERE key = 'k1'");
    expect(text).toContain(
      'type: date\n                  min: 2026-11-10\n                  max: 2026-11-15\n',
    );
    expect(text).toContain('type: integer\n                  min: 10\n                  max: 15\n');
    expect(text).toContain('rows:\n                  min: 2\n                  max: 4\n');
  });
});
