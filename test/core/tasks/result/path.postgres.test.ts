import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ContractSession } from '#core/protocols/postgres/contract-session.ts';
import { meaningFor } from '#core/protocols/postgres/meaning.ts';
import { errorResponseFor } from '#core/protocols/postgres/sqlstate.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import type { StreamName } from '#core/recording/format.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import type { Deviation } from '#core/tasks/deviation.ts';
import { ContractReading } from '#core/tasks/result/contract-reading.ts';
import { DeviationNotes } from '#core/tasks/result/deviation-notes.ts';
import { type Random, randomFrom } from '#test/fuzz/mutate.ts';
import { OracleServer } from '#test/oracle/server.ts';
import { READY, RecordedSession } from '#test/oracle/session.ts';
import { commandSight, contractOf, FakeTask, NO_FACTS } from '#test/support/contract-proxy.ts';
import { EXACT } from '#test/support/exact-proxy.ts';
import { query, RandomTurns } from '../../protocols/postgres/shapes/random-turns.ts';
import { shapes } from './support.ts';

/** The long form is `npm run oracle:tasks`. */
const SESSIONS = Number(process.env['CUSTODY_ORACLE_TASKS'] ?? 14);
const server = new OracleServer();

beforeAll(async () => {
  await server.start();
  const session = await RecordedSession.open(server.port);
  session.send(query('create table log (n int primary key); create table t (n int)'));
  await session.until((bytes) => bytes.includes(READY));
  await session.end();
});
afterAll(() => server.stop());

/** A session that is a task at a real server, and its recording. */
class TaskedSession {
  readonly frames: ReplayFrame[] = [];
  readonly told: Deviation[] = [];
  readonly task: FakeTask;
  readonly #socket: Socket;
  #session: ContractSession | undefined;
  #readies = 0;
  #wake: () => void = () => undefined;
  isOver = false;

  static async open(task: FakeTask): Promise<TaskedSession> {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    const tasked = new TaskedSession(task, socket);
    const settings = meaningFor({ exact: EXACT });
    const who = [['user', 'app'] as const, ['database', 'postgres'] as const];
    const startup = encodeStartup({ minor: 0, parameters: [...who, ...settings] });
    tasked.#record('client', startup);
    socket.write(startup);
    await tasked.ready(1);
    tasked.#session = await tasked.#begin(settings);
    return tasked;
  }

  private constructor(task: FakeTask, socket: Socket) {
    this.task = task;
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end());
    socket.on('data', (chunk: Buffer) => {
      if (this.#session === undefined) this.#told('target', chunk);
      else this.#session.fromTarget(chunk);
    });
  }

  send(bytes: Uint8Array): void {
    this.#record('client', bytes);
    this.#session!.fromClient(bytes);
  }

  async ready(times: number): Promise<void> {
    while (this.#readies < times && !this.isOver) await new Promise<void>((wake) => (this.#wake = wake));
    this.#readies -= times;
  }

  close(): void {
    this.#session?.stop();
    this.#socket.destroy();
  }

  #begin(settings: ReadonlyMap<string, string>): Promise<ContractSession> {
    const { task } = this;
    const deviated = task.deviated.bind(task);
    task.deviated = (deviation, about) => {
      this.told.push(deviation);
      const { kind, command, expected, seen } = deviation;
      const how = task.contract.declared.onDeviation === 'record' ? 'recorded' : 'stopped';
      const note = { note: 'task-deviation', kind, ...(command && { command }), expected, seen, how };
      this.#record('note', Buffer.from(JSON.stringify(note)));
      return deviated(deviation, about);
    };
    return commandSight().then(
      (sight) =>
        new ContractSession(task, sight, settings, {
          forward: (bytes) => void this.#socket.write(Uint8Array.from(bytes)),
          ask: (bytes) => void this.#socket.write(Uint8Array.from(bytes)),
          pass: (bytes) => this.#told('target', bytes),
          say: (bytes) => this.#told('gateway', bytes),
          note: () => undefined,
          end: (error) => {
            this.#record('gateway', errorResponseFor(error));
            this.close();
          },
          drained: () => undefined,
          targetDrained: () => undefined,
          now: () => 0,
          later: () => () => undefined,
        }),
    );
  }

  #told(stream: 'target' | 'gateway', bytes: Uint8Array): void {
    this.#record(stream, bytes);
    // Counted where messages are cut anywhere: the mark of ReadyForQuery is in no other message of these sessions.
    this.#said = Buffer.concat([this.#said, bytes]);
    for (let at = this.#said.indexOf(MARK); at >= 0; at = this.#said.indexOf(MARK)) {
      this.#said = this.#said.subarray(at + MARK.length);
      this.#readies += 1;
    }
    this.#wake();
  }

  #said: Buffer = Buffer.alloc(0);

  #end(): void {
    this.isOver = true;
    this.#wake();
  }

  #record(stream: StreamName, bytes: Uint8Array): void {
    const payload = Uint8Array.from(bytes);
    this.frames.push({ stream, withheld: false, timeUs: this.frames.length, payload });
  }
}

const MARK = READY.subarray(0, 5);

/** Commands of the random turns, some of which are in a contract. */
function randomContract(random: Random): object {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const integer = { type: 'integer', ...pick([{}, {}, { max: 40 }]) };
  const times = (): object => ({ min: pick([0, 0, 1]), max: pick([2, 50, 500]) });
  const answers = (): object => pick([{}, { error: 'any' }, { rows: { max: 2 } }, { affected: 1 }]);
  const all = [
    {
      name: 'insert',
      statement: 'insert into log values ($1)',
      values: { $1: { ...integer, nullable: pick([true, false]) } },
    },
    { name: 'give', statement: 'insert into log values ($1) returning n', values: { $1: integer } },
    {
      name: 'series',
      statement: 'select * from generate_series($1, $2)',
      values: { $1: { type: 'integer' }, $2: integer },
    },
    { name: 'change', statement: 'update t set n = $1 where n = $2', values: { $1: integer, $2: integer } },
    { name: 'divide', statement: 'select $1 / $2', values: { $1: integer, $2: integer } },
    { name: 'load', statement: 'copy log from stdin' },
  ];
  const some = all.filter(() => random() < 0.8);
  const does = (some.length > 0 ? some : all).map((one) => ({ ...one, times: times(), answers: answers() }));
  return {
    does,
    order: pick(['any', 'any', 'strict']),
    allow: pick([['transactions'], ['transactions'], []]),
    onDeviation: pick(['record', 'record', 'stop']),
  };
}

const gist = ({
  kind,
  command = '',
}: {
  readonly kind: string;
  readonly command?: string | undefined;
}): string => `${kind} ${command}`;

test(
  'random sessions under random contracts: a recording says what the path said',
  async () => {
    const random = randomFrom(20261130);
    const turns = new RandomTurns(random);
    const totals = { kept: 0, recorded: 0, stopped: 0, told: 0, found: 0 };
    for (let n = 0; n < SESSIONS; n++) {
      const declared = randomContract(random);
      const contract = await contractOf(declared);
      const session = await TaskedSession.open(new FakeTask(contract));
      const count = 1 + Math.floor(random() * 6);
      for (let turn = 0; turn < count && !session.isOver; turn++) {
        const { bytes, readies } = turns.turn();
        session.send(bytes);
        await session.ready(readies);
      }
      session.close();
      const reading = new ContractReading(contract, NO_FACTS);
      const notes = new DeviationNotes(1000);
      async function* streamed(): AsyncGenerator<ReplayFrame> {
        yield* session.frames;
      }
      const parts = reading.parts((note, at) => notes.take(note, at));
      for await (const execution of (await shapes).executions(streamed(), parts)) reading.take(execution);
      const isStop = contract.declared.onDeviation === 'stop';
      const told = session.told.map(gist);
      // Of what was stopped, or passed over behind an error, a note alone tells: it never ran.
      const found = reading.deviations.map(gist);
      // Nor can the path tell of what was cut off with the session.
      const merged = notes
        .merged(reading.deviations)
        .filter(({ seen }) => !seen.includes('the session was over'))
        .map(gist);
      const what = JSON.stringify({ n, declared });
      expect(merged.toSorted(), what).toEqual(told.toSorted());
      totals.told += told.length;
      totals.found += found.length;
      totals[told.length === 0 ? 'kept' : isStop ? 'stopped' : 'recorded'] += 1;
    }
    for (const [kind, count] of Object.entries(totals)) expect(count, kind).toBeGreaterThan(0);
    // The path judges a pipeline before any of it has run: what it says of what then never ran, or ran after a ROLLBACK, it alone says.
    expect(totals.found / totals.told).toBeGreaterThan(0.5);
  },
  20_000 + 500 * SESSIONS,
);
