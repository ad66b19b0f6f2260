/**
 * Each way of leaving a contract, under each of record, ask and stop: what the client saw (psql), what the reviewer saw
 * (custody requests, a webhook), and what the auditor sees (custody run show, run verify).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { custody } from '#test/cli/support.ts';
import { apiAs, reconfigure } from '#test/support/access-story.ts';
import {
  eventually,
  hasClient,
  libpqEnvironment,
  type Ran,
  type RunningClient,
  startClient,
} from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { startReceiver, type TestReceiver } from '#test/support/receiver.ts';

const MODES = {
  record: 'record',
  ask: '{ ask: { reviewers: { any: [reviewers] }, wait: 30m } }',
  stop: 'stop',
} as const;
type Mode = keyof typeof MODES;

const ONE = 'SELECT status FROM orders WHERE id = 1';
const STATUS = 'SELECT status FROM orders WHERE id = $1';
const TOUCH = 'UPDATE orders SET status = status WHERE id = $1';
const FOUND = 'SELECT id FROM orders WHERE id < 3 ORDER BY id';
const UP_TO = 'SELECT id FROM orders WHERE id <= $1';

interface Case {
  /** Lines of the task in custody.yaml. */
  readonly task: string;
  /** What psql sends. */
  readonly sql: string;
  readonly kind: string;
  /** For the client, the reviewer and the auditor alike. */
  readonly words: string;
  /** It came back before anybody could say no. */
  readonly isAnswer?: true;
  /** The words for all of the answer, where they are others. */
  readonly finally?: string;
}

const does = (...commands: string[]): string => `contract:\n          does:\n${commands.join('\n')}`;
const command = (name: string, statement: string, more = ''): string =>
  `            - { name: ${name}, statement: "${statement}"${more} }`;
const look = (more: string): string =>
  command('look', STATUS, `, values: { $1: { type: integer${more} } }, times: { min: 0, max: 1 }`);

/** Of tasks that can begin: each contract is left by the last thing that psql sends. */
const CASES: Readonly<Record<string, Case>> = {
  shape: {
    task: does(look('')),
    sql: 'SELECT name FROM customers;',
    kind: 'not-in-contract',
    words: 'another command: SELECT name FROM customers; the contract has no such command',
  },
  range: {
    task: does(look(', max: 100')),
    sql: 'SELECT status FROM orders WHERE id = 101;',
    kind: 'value',
    words: 'another value stands there; the contract has for look.$1 at most 100',
  },
  origin: {
    task: `after: [find]\n        ${does(command('touch', TOUCH, ', values: { $1: { type: integer, from: find.orders.id } }, times: { min: 0, max: 5 }'))}`,
    sql: 'UPDATE orders SET status = status WHERE id = 7;',
    kind: 'origin',
    words: 'another value stands there; the contract has for touch.$1 a value from find.orders.id',
  },
  often: {
    task: does(look('')),
    sql: 'SELECT status FROM orders WHERE id = 1;\nSELECT status FROM orders WHERE id = 2;',
    kind: 'too-often',
    words: 'it would run once more; the contract has look at most once',
  },
  order: {
    task: does(command('first', ONE), command('second', FOUND)).replace(
      'does:',
      'order: strict\n          does:',
    ),
    sql: `${FOUND};`,
    kind: 'out-of-order',
    words: 'it ran 0 times; the contract has first once before second',
  },
  rows: {
    task: does(command('some', UP_TO, ', values: { $1: { type: integer } }, answers: { rows: { max: 3 } }')),
    sql: 'SELECT id FROM orders WHERE id <= 5;',
    kind: 'rows',
    words: 'more than 3 came; the contract has of some 0 to 3 rows',
    isAnswer: true,
    finally: '5 came; the contract has of some 0 to 3 rows',
  },
};

/** Of tasks that cannot begin: no contract is looked at, so that all three are the same. */
const REFUSED = {
  early: {
    task: `after: [never]\n        ${does(command('one', ONE))}`,
    words: 'the task early comes after never, which has not run yet',
  },
  once: { task: does(command('one', ONE)), words: 'the task once ran as often as it may in one run: once' },
} as const;

const OTHERS = `      find:
        target: orders-prod
        by: { groups: [developers] }
        ${does(command('found', FOUND))}
          outputs: { orders: { of: found, columns: [id] } }
      never:
        target: orders-prod
        by: { groups: [developers] }
        ${does(command('one', ONE))}
      late:
        target: orders-prod
        by: { groups: [developers] }
        within: 1s
        ${does(command('one', ONE, ', times: 2'))}
`;

function workflow(mode: Mode): string {
  const tasks = Object.entries({ ...CASES, ...REFUSED }).map(
    ([name, { task }]) => `      ${name}:
        target: orders-prod
        by: { groups: [developers] }
        ${task}
          onDeviation: ${MODES[mode]}
`,
  );
  return `  table-${mode}:\n    tasks:\n${OTHERS}${tasks.join('')}`;
}

const NAMES = ['record', 'ask', 'stop'] as const;
const PENDING = '/v1/requests?state=pending';
/** Of the session as a whole, or of a command that came when its time was over. */
const OVER =
  /FATAL: {2}(?:the time of the task late is over: it may take 1s|its time is over; the contract has 1 s for the whole task)/;

/** What the run says became of it, and whether the task had begun by then. */
const BECAME: Readonly<Record<Mode, (name: string) => readonly [string, boolean]>> = {
  record: () => ['recorded', true],
  ask: (name) => (name === 'range' ? ['asked', false] : ['approved', true]),
  stop: (name) => ['stopped', name === 'often' || name === 'rows'],
};

interface SeenRun {
  readonly id: string;
  readonly tasks: readonly { readonly name: string; readonly state: string }[];
}

interface SeenRequest {
  readonly id: string;
  readonly deviation?: { readonly task: string; readonly seen: string; readonly expected: string };
}

describe.skipIf(!hasClient('psql'))('what leaves a contract', () => {
  let local: LocalGateway;
  let folder: string;
  let receiver: TestReceiver;
  const runs: Partial<Record<Mode, string>> = {};
  beforeAll(async () => {
    receiver = await startReceiver();
    local = await startLocalGateway();
    folder = mkdtempSync(join(tmpdir(), 'custody-workflows-'));
    await declare();
    for (const mode of NAMES) {
      const body = { workflow: `table-${mode}` };
      runs[mode] = (await apiAs(local, 'developer').post<SeenRun>('/v1/runs', body)).id;
      await asTask(mode, 'find', `${FOUND};`);
    }
    for (const mode of NAMES) await untilTask(mode, 'find', 'kept');
  });
  afterAll(async () => {
    await local?.stop();
    await receiver?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function declare(): Promise<void> {
    const secret = `whsec_${Buffer.from('a secret of 24 bytes, or more').toString('base64')}`;
    writeFileSync(join(local.dataDir, 'secrets', 'ops'), secret, { mode: 0o600 });
    await reconfigure(local, (text) =>
      text
        .replace('webhooks: []', `webhooks: [{ name: ops, url: "${receiver.url}", secretFile: secrets/ops }]`)
        .replace(
          /^workflows:.*$/m,
          (line) => `${line}\n${workflow('record')}${workflow('ask')}${workflow('stop')}`,
        )
        .replace(
          'rules: #',
          `rules:\n  - name: table\n    groups: [developers]\n    targets: [orders-prod]\n    allow: [connect]\n    when: { task: [table-record/*, table-ask/*, table-stop/*] }\n#`,
        ),
    );
  }

  const client = async (mode: Mode, task: string, sql: string) => {
    const env = libpqEnvironment(local, await local.token('developer'), 'orders-prod');
    return startClient(
      'psql',
      ['-XAtq'],
      { ...env, PGOPTIONS: `-c custody.run=${runs[mode]} -c custody.task=${task}` },
      sql,
    );
  };
  const asTask = async (mode: Mode, task: string, sql: string): Promise<Ran> =>
    (await client(mode, task, sql)).done;

  const cli = async (person: 'developer' | 'reviewer' | 'auditor', ...args: string[]): Promise<Ran> =>
    custody(args, { env: await local.cliEnvironment(person, join(folder, person)) });

  const untilTask = (mode: Mode, task: string, state: string) =>
    eventually(`${mode}: ${task} to be ${state}`, async () => {
      const { tasks } = await apiAs(local, 'developer').get<SeenRun>(`/v1/runs/${runs[mode]}`);
      return tasks.find(({ name }) => name === task)?.state === state || undefined;
    });

  const each = (work: (name: string, one: Case) => Promise<void>) =>
    Promise.all(Object.entries(CASES).map(([name, one]) => work(name, one)));

  it('is stopped, in words that say what the contract has', async () => {
    await each(async (name, { sql, words }) => {
      const { code, stderr } = await asTask('stop', name, sql);
      expect([name, code, stderr]).toEqual([name, 2, expect.stringContaining(`FATAL:  ${words}\n`)]);
      expect(stderr).toMatch(/HINT: {2}what you may do: [a-z, ]+; see custody workflow show table-stop\n/);
    });
  });

  it('goes on where it is only recorded', async () => {
    await each(async (name, { sql }) => {
      const { code, stderr } = await asTask('record', name, sql);
      expect([name, code, stderr]).toEqual([name, 0, '']);
    });
  });

  it('waits for reviewers, who see what it is; what they deny is refused, and what they approve goes on', async () => {
    const clients = new Map<string, RunningClient>();
    for (const [name, { sql }] of Object.entries(CASES)) clients.set(name, await client('ask', name, sql));
    const waiting = await eventually('all to ask', async () => {
      const { requests } = await apiAs(local, 'reviewer').get<{ requests: SeenRequest[] }>(PENDING);
      return requests.length === clients.size ? requests : undefined;
    });
    const { id: denied } = waiting.find(({ deviation }) => deviation!.task === 'range')!;
    const shown = await cli('reviewer', 'requests', denied);
    expect(shown.stdout).toMatch(/^deviation +value, of look\nseen +another value stands there$/m);
    expect(shown.stdout).toMatch(/^the contract has +for look\.\$1 at most 100$/m);
    expect(shown.stdout).toContain('    SELECT status FROM orders WHERE id = 101;\n');
    for (const { id, deviation } of waiting) {
      const { seen, expected, task } = deviation!;
      expect(`${seen}; the contract has ${expected}`).toBe(CASES[task]!.words);
      const decision = id === denied ? 'denied' : 'approved';
      await apiAs(local, 'reviewer').post(`/v1/requests/${id}/decisions`, { decision });
    }
    await each(async (name, { words, isAnswer }) => {
      const { code, stderr } = await clients.get(name)!.done;
      // In the middle of an answer there is no place for a notice.
      const notice = isAnswer === true ? '' : `NOTICE:  ${words}: request `;
      const error = name === 'range' ? `ERROR:  ${words}: reviewers denied it` : '';
      expect([name, code, stderr]).toEqual([name, 0, expect.stringContaining(notice)]);
      expect([name, /^ERROR:.*$/m.exec(stderr)?.[0] ?? '']).toEqual([name, error]);
    });
    const told = await eventually('the webhook to hear of all', () => {
      const news = receiver.received.map(
        ({ body }) => JSON.parse(body) as { type: string; data: { request?: string } },
      );
      const asked = news.filter(({ type }) => type === 'access-requested');
      return asked.length === waiting.length ? asked : undefined;
    });
    expect(new Set(told.map(({ data }) => data.request))).toEqual(new Set(waiting.map(({ id }) => id)));
  });

  it('does not begin before its predecessor or a second time, and goes on no longer than it may, whatever is declared', async () => {
    await Promise.all(
      NAMES.map(async (mode) => {
        expect((await asTask(mode, 'once', `${ONE};`)).stderr).toBe('');
        const [again, early, late] = await Promise.all([
          asTask(mode, 'once', `${ONE};`),
          asTask(mode, 'early', `${ONE};`),
          asTask(mode, 'late', `${ONE};\n\\! sleep 1.5\n${ONE};\n`),
        ]);
        expect(again.stderr).toContain(
          `FATAL:  ${REFUSED.once.words}\nHINT:  start a new run: custody run start table-${mode}\n`,
        );
        expect(early.stderr).toContain(
          `FATAL:  ${REFUSED.early.words}\nHINT:  first run never: custody run task ${runs[mode]} never`,
        );
        expect([late.code, late.stderr]).toEqual([2, expect.stringMatching(OVER)]);
      }),
    );
  });

  it('is in what an auditor sees, and in what anybody can check offline', async () => {
    for (const mode of NAMES) {
      await eventually('no task to run', async () => {
        const { tasks } = await apiAs(local, 'developer').get<SeenRun>(`/v1/runs/${runs[mode]}`);
        return tasks.every(({ state }) => state !== 'running') || undefined;
      });
      const { stdout } = await cli('auditor', 'run', 'show', runs[mode]!);
      for (const [name, { words, kind, finally: last = words }] of Object.entries(CASES)) {
        const [how, hasBegun] = BECAME[mode](name);
        const line = hasBegun
          ? `${name}  ${how}: ${mode === 'stop' ? words : last}`
          : `${name}  ${how}: ${kind}`;
        expect(stdout).toContain(`  ${line}  custody play `);
      }
      // Until its last leaves are in the ledger it is incomplete.
      const verified = await eventually(`${mode} in the ledger`, async () => {
        const ran = await cli('auditor', 'run', 'verify', runs[mode]!);
        return ran.code === 4 ? undefined : ran;
      });
      expect([mode, verified.code, verified.stdout]).toEqual([
        mode,
        0,
        expect.stringContaining('VERIFIED  complete'),
      ]);
    }
  });
});
