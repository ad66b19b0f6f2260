/**
 * npm run bench:contract — CPU microseconds that keeping a session to its contract costs a transaction, without sockets, TLS, a
 * recording or a server: what a busy machine does not blur. The transactions are pgbench's.
 */
import { parseArgs } from 'node:util';
import { ContractSession } from '#core/protocols/postgres/contract-session.ts';
import { ACTS_AS } from '#core/protocols/postgres/meaning.ts';
import { Backend, Frontend } from '#core/protocols/postgres/messages.ts';
import { LocalAnalyst } from '#core/protocols/postgres/shapes/analyse.ts';
import { CommandReader } from '#core/protocols/postgres/shapes/commands.ts';
import { Parser } from '#core/protocols/postgres/shapes/parser.ts';
import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import { concat, cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import { type Contract, compileContract } from '#core/tasks/contract.ts';
import { RunDigests } from '#core/tasks/digests.ts';
import { workflowSchema } from '#core/tasks/schema.ts';
import type { TaskSession } from '#core/tasks/session.ts';
import { BENCH_WORKFLOW } from './contract.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    transactions: { type: 'string', default: '200000' },
    only: { type: 'string', default: '' },
  },
});

const NONE = Uint8Array.of(0, 0);
const SETTINGS = new Map([['search_path', 'public']]);
const FIND = 'SELECT abalance FROM pgbench_accounts WHERE aid = ';

const row = message(Backend.dataRow, Uint8Array.of(0, 1), int32(1), Buffer.from('0'));
const described = message(
  Backend.rowDescription,
  Uint8Array.of(0, 1),
  cstring('abalance'),
  new Uint8Array(18),
);
const complete = message(Backend.commandComplete, cstring('SELECT 1'));
const ready = message(Backend.readyForQuery, Buffer.from('I'));
const parsed = message(Backend.parseComplete);
const bound = message(Backend.bindComplete);

const parse = (name: string): Uint8Array =>
  message(Frontend.parse, cstring(name), cstring(`${FIND}$1;`), NONE);
const run = (name: string, value: string): readonly Uint8Array[] => [
  message(
    Frontend.bind,
    cstring(''),
    cstring(name),
    NONE,
    Uint8Array.of(0, 1),
    int32(value.length),
    Buffer.from(value),
    NONE,
  ),
  message(Frontend.describe, Buffer.from('P'), cstring('')),
  message(Frontend.execute, cstring(''), int32(0)),
  message(Frontend.sync),
];

interface Traffic {
  /** Sent once, before what is measured. */
  readonly before?: { readonly sent: Uint8Array; readonly answer: Uint8Array };
  readonly sent: (value: string) => Uint8Array;
  readonly answer: Uint8Array;
}

const TRAFFIC: Readonly<Record<string, Traffic>> = {
  simple: {
    sent: (value) => message(Frontend.query, cstring(`${FIND}${value};`)),
    answer: concat([described, row, complete, ready]),
  },
  extended: {
    sent: (value) => concat([parse(''), ...run('', value)]),
    answer: concat([parsed, bound, described, row, complete, ready]),
  },
  prepared: {
    before: { sent: concat([parse('P_0'), message(Frontend.sync)]), answer: concat([parsed, ready]) },
    sent: (value) => concat(run('P_0', value)),
    answer: concat([bound, described, row, complete, ready]),
  },
};

/** A run that has room for all. */
function taskOf(contract: Contract): TaskSession {
  const began = performance.now();
  return {
    run: 'run',
    task: 'pgbench',
    contract,
    facts: { inputs: new Map(), column: () => undefined, digests: new RunDigests(new Uint8Array(32)) },
    begin: async () => undefined,
    elapsedMs: () => performance.now() - began,
    deviated: ({ kind, expected, seen }) => Promise.reject(new Error(`${kind}: ${expected}, ${seen}`)),
  };
}

/** What the server says of the settings that the session asks for. */
const IN_FORCE = concat([
  ...[...SETTINGS.values(), ...ACTS_AS.values()].map((value) =>
    message(Backend.dataRow, Uint8Array.of(0, 1), int32(value.length), Buffer.from(value)),
  ),
  ready,
]);

/** A client, a session and a server, in one thread. */
class Loop {
  readonly #session: ContractSession;
  #asked = 0;
  #forwarded = 0;
  #failed: Error | undefined;

  constructor(contract: Contract, sight: CommandReader) {
    this.#session = new ContractSession(taskOf(contract), sight, SETTINGS, {
      forward: () => void (this.#forwarded += 1),
      pass: () => undefined,
      say: () => void (this.#failed = new Error('the session was refused')),
      ask: () => this.#answerLater(),
      note: () => undefined,
      end: (error) => void (this.#failed = error),
      drained: () => undefined,
      targetDrained: () => undefined,
      now: () => performance.now(),
      later: () => () => undefined,
    });
  }

  /** Undefined where nothing had to be waited for. */
  transact(sent: Uint8Array, answer: Uint8Array): Promise<void> | undefined {
    const before = this.#forwarded;
    this.#session.fromClient(sent);
    if (this.#forwarded === before) return this.#slowly(before, answer);
    this.#session.fromTarget(answer);
    return undefined;
  }

  async #slowly(before: number, answer: Uint8Array): Promise<void> {
    while (this.#forwarded === before) {
      if (this.#failed !== undefined) throw this.#failed;
      await new Promise((done) => setImmediate(done));
    }
    this.#session.fromTarget(answer);
  }

  /** The login has no settings of its own; those that are asked for are as they have to be. */
  #answerLater(): void {
    const answer = (this.#asked += 1) === 1 ? ready : IN_FORCE;
    setImmediate(() => this.#session.fromTarget(answer));
  }
}

function cpuMicros(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return user + system;
}

async function measure(
  { before, sent, answer }: Traffic,
  contract: Contract,
  sight: CommandReader,
): Promise<number> {
  const loop = new Loop(contract, sight);
  if (before !== undefined) await loop.transact(before.sent, before.answer);
  const messages = Array.from({ length: 1_000 }, (_, at) => sent(String(1 + ((at * 7919) % 100_000))));
  const transactions = Number(values.transactions);
  await loop.transact(messages[0]!, answer);
  const start = process.cpuUsage();
  for (let done = 0; done < transactions; done += 1) {
    const waits = loop.transact(messages[done % messages.length]!, answer);
    if (waits !== undefined) await waits;
  }
  return cpuMicros(start) / transactions;
}

async function contractOf(onDeviation: 'record' | 'stop'): Promise<Contract> {
  const { pgbench } = BENCH_WORKFLOW.tasks;
  const written = { tasks: { pgbench: { ...pgbench, contract: { ...pgbench.contract, onDeviation } } } };
  return compileContract(workflowSchema.parse(written).tasks['pgbench']!, await loadPostgresShapes());
}

const contracts = { record: await contractOf('record'), stop: await contractOf('stop') };
const sight = new CommandReader(new LocalAnalyst(await Parser.load()));
const measured = new Map<string, number[]>();
for (let round = 0; round < Number(values.rounds); round += 1)
  for (const [mode, traffic] of Object.entries(TRAFFIC).filter(([name]) => name.includes(values.only)))
    for (const [name, contract] of Object.entries(contracts)) {
      const key = `${mode.padEnd(9)} ${name}`;
      measured.set(key, [...(measured.get(key) ?? []), await measure(traffic, contract, sight)]);
    }
for (const [key, all] of measured) {
  const sorted = all.toSorted((one, other) => one - other);
  const [least, median] = [sorted[0]!, sorted[sorted.length >> 1]!];
  process.stdout.write(
    `${key.padEnd(17)} ${median.toFixed(2)} µs CPU a transaction (least ${least.toFixed(2)})\n`,
  );
}
