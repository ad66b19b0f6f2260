import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { CustodyError } from '#core/errors.ts';
import { ContractSession } from '#core/protocols/postgres/contract-session.ts';
import type { CommandSight } from '#core/protocols/postgres/contract-sight.ts';
import { meaningFor } from '#core/protocols/postgres/meaning.ts';
import { Backend, MessageReader } from '#core/protocols/postgres/messages.ts';
import { LocalAnalyst } from '#core/protocols/postgres/shapes/analyse.ts';
import { CommandReader } from '#core/protocols/postgres/shapes/commands.ts';
import { Parser } from '#core/protocols/postgres/shapes/parser.ts';
import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import { errorResponseFor } from '#core/protocols/postgres/sqlstate.ts';
import { encodeStartup, readStartup } from '#core/protocols/postgres/startup.ts';
import { type Contract, compileContract } from '#core/tasks/contract.ts';
import { type Deviation, deviationWords } from '#core/tasks/deviation.ts';
import { RunDigests } from '#core/tasks/digests.ts';
import { workflowSchema } from '#core/tasks/schema.ts';
import type { DeviationPlace, Outcome, TaskSession } from '#core/tasks/session.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';
import type { ValueFacts } from '#core/tasks/values.ts';
import { EXACT } from './exact-proxy.ts';

/** They take half a second to load. */
let loaded: Promise<{ shapes: CommandShapes; sight: CommandSight }> | undefined;
const parts = () => (loaded ??= load());

async function load() {
  const sight = new CommandReader(new LocalAnalyst(await Parser.load()));
  return { shapes: await loadPostgresShapes(), sight };
}

/** A contract as custody.yaml has it. */
export async function contractOf(declared: object, within = '1h'): Promise<Contract> {
  const { tasks } = workflowSchema.parse({
    tasks: { one: { target: 'db', by: { groups: ['ops'] }, within, contract: declared } },
  });
  return compileContract(tasks['one']!, (await parts()).shapes);
}

export async function commandSight(): Promise<CommandSight> {
  return (await parts()).sight;
}

export const NO_FACTS: ValueFacts = {
  inputs: new Map(),
  column: () => undefined,
  digests: new RunDigests(new Uint8Array(32)),
};

/** A task without a run: what deviates is told to the test. */
export class FakeTask implements TaskSession {
  readonly run = 'run';
  readonly task = 'one';
  readonly contract: Contract;
  readonly facts: ValueFacts;
  readonly deviations: (Deviation & DeviationPlace)[] = [];
  begins = 0;
  elapsed = 0;
  whenBegun: () => Promise<void> = async () => undefined;
  /** With `ask`. */
  reviewers: (deviation: Deviation, about: DeviationPlace) => Promise<Outcome> = async () => ({
    goesOn: true,
  });

  constructor(contract: Contract, facts: ValueFacts = NO_FACTS) {
    this.contract = contract;
    this.facts = facts;
  }

  get kinds(): string[] {
    return this.deviations.map(({ kind }) => kind);
  }

  async begin(): Promise<void> {
    await this.whenBegun();
    this.begins += 1;
  }

  elapsedMs(): number {
    return this.elapsed;
  }

  async deviated(deviation: Deviation, about: DeviationPlace): Promise<Outcome> {
    this.deviations.push({ ...deviation, ...about });
    const { onDeviation } = this.contract.declared;
    if (onDeviation === 'record') return { goesOn: true };
    if (onDeviation !== 'stop') return this.reviewers(deviation, about);
    const error = new CustodyError('contract-deviation', deviationWords(deviation), { hint: 'keep to it' });
    return { goesOn: false, error, ends: true };
  }
}

/** A server with a session that is a task before it, without TLS, tokens or a recording: for real clients. */
export class ContractProxy {
  readonly #server: Server;
  readonly #port: number;
  readonly #sight: CommandSight;
  /** The task of the next client. */
  task: FakeTask;
  readonly notes: string[] = [];
  readonly ended: CustodyError[] = [];
  readonly sessions: ContractSession[] = [];
  /** What of clients' messages reached the server after its login. */
  readonly forwarded: Buffer[] = [];

  static async start(port: number, task: FakeTask): Promise<ContractProxy> {
    const proxy = new ContractProxy(port, task, await commandSight());
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(port: number, task: FakeTask, sight: CommandSight) {
    this.#port = port;
    this.task = task;
    this.#sight = sight;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    this.#server.close();
  }

  #serve(client: Socket): void {
    const target = connect({ port: this.#port, host: '127.0.0.1' });
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      one.setNoDelay();
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
    this.#login(client, target);
  }

  #login(client: Socket, target: Socket): void {
    const settings = meaningFor({ exact: EXACT });
    // As the relay, which reads all into the same memory.
    const shared = (chunk: Buffer, take: (bytes: Uint8Array) => void): void => {
      take(chunk);
      chunk.fill(0xff);
    };
    let held = Buffer.alloc(0);
    let session: ContractSession | undefined;
    const reader = new MessageReader(1 << 20);
    client.on('data', (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      const packet = readStartup(held);
      if (packet === undefined) return;
      held = Buffer.from(held.subarray(packet.byteLength));
      if (packet.kind === 'ssl-request' || packet.kind === 'gss-request') return void client.write('N');
      if (packet.kind !== 'startup') return void client.destroy();
      const asked = new Map(packet.parameters);
      for (const one of settings) asked.set(...one);
      target.write(encodeStartup({ minor: 0, parameters: asked }));
      client.removeAllListeners('data');
      client.on('data', (bytes: Buffer) => {
        if (session === undefined) target.write(bytes);
        else shared(bytes, (one) => session!.fromClient(one));
      });
    });
    target.on('data', (chunk: Buffer) => {
      if (session !== undefined) return shared(chunk, (bytes) => session!.fromTarget(bytes));
      client.write(chunk);
      reader.push(chunk);
      for (const one of reader)
        if (one.type === Backend.readyForQuery) session = this.#session(client, target, settings);
    });
  }

  #session(client: Socket, target: Socket, settings: ReadonlyMap<string, string>): ContractSession {
    const session = new ContractSession(this.task, this.#sight, settings, {
      forward: (bytes) => {
        this.forwarded.push(Buffer.from(bytes));
        target.write(Uint8Array.from(bytes));
      },
      pass: (bytes) => client.write(Uint8Array.from(bytes)),
      say: (bytes) => client.write(Uint8Array.from(bytes)),
      ask: (bytes) => target.write(Uint8Array.from(bytes)),
      note: (fact) => this.notes.push(JSON.stringify(fact)),
      end: (error) => {
        this.ended.push(error);
        session.stop();
        client.end(errorResponseFor(error));
        target.destroy();
      },
      drained: () => undefined,
      targetDrained: () => undefined,
      now: () => performance.now(),
      later: (ms, work) => {
        const timer = setTimeout(work, Math.min(ms, 2 ** 31 - 1)).unref();
        return () => clearTimeout(timer);
      },
    });
    this.sessions.push(session);
    return session;
  }
}
