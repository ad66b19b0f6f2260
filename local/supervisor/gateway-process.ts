import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { NODE_FLAGS } from '#proxy/node-flags.ts';
import { RestartLimit } from './restart-limit.ts';

export interface GatewayProcessOptions {
  readonly config: string;
  readonly dataDir: string;
  /** Where people look at requests. */
  readonly apiUrl: string;
  readonly port: number;
  /** Where SSH is spoken. */
  readonly sshPort: number;
  /** Where Kubernetes is spoken; nowhere when not given. */
  readonly kubernetesPort?: number;
  readonly drainMs: number;
  readonly processes: number;
  readonly configMs: number;
  readonly sequenceMs: number;
  readonly say: (line: string) => void;
  /** The gateway died too often to be started again. */
  readonly onGivenUp: (error: CustodyError) => void;
  readonly now: () => number;
}

/** The gateway in a process of its own, started again when it dies: what ECS does in the cloud. */
export class GatewayProcess {
  readonly #options: GatewayProcessOptions;
  readonly #limit = new RestartLimit();
  #child: ChildProcess | undefined;
  #stopping = false;

  constructor(options: GatewayProcessOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it listens. Rejects with the gateway's own words when it cannot start. */
  start(): Promise<void> {
    const { config, dataDir, apiUrl, port, sshPort, kubernetesPort, ...rest } = this.#options;
    const { drainMs, processes, configMs, sequenceMs } = rest;
    const main = fileURLToPath(new URL('../../fargate-proxy/main.ts', import.meta.url));
    const kubernetes = kubernetesPort === undefined ? [] : ['--kubernetes-port', String(kubernetesPort)];
    const listen = ['--listen', `127.0.0.1:${port}`, '--ssh-port', String(sshPort), ...kubernetes];
    const times = ['--drain-ms', String(drainMs), '--api-url', apiUrl];
    const count = ['--processes', String(processes)];
    const periods = ['--config-ms', String(configMs), '--sequence-ms', String(sequenceMs)];
    const child = spawn(
      process.execPath,
      [
        ...NODE_FLAGS,
        main,
        '--config',
        config,
        '--data-dir',
        dataDir,
        ...listen,
        ...times,
        ...count,
        ...periods,
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      },
    );
    this.#child = child;
    return new Promise((ready, failed) => {
      let problem: CustodyError | undefined;
      createInterface(child.stderr!).on('line', (line) => (problem = this.#relay(line) ?? problem));
      child.once('message', () => {
        child.once('exit', (code, signal) => this.#died(signal ?? `exit code ${code}`));
        ready();
      });
      child.once('error', (error) => failed(cannotStart(error.message)));
      // `close`, not `exit`: by then everything it said has been read.
      child.once('close', (code, signal) =>
        failed(problem ?? cannotStart(`it ended with ${signal ?? `exit code ${code}`}`)),
      );
    });
  }

  /** Drains and ends it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill('SIGTERM');
    await gone;
  }

  /** The gateway logs JSON; a person is shown what matters. */
  #relay(line: string): CustodyError | undefined {
    const entry = parseLine(line);
    if (entry?.event === 'cannot-start') {
      const { message, hint } = entry;
      return new CustodyError(
        'config-invalid',
        message ?? 'the gateway cannot start',
        hint === undefined ? {} : { hint },
      );
    }
    this.#options.say(line);
    return undefined;
  }

  #died(how: string): void {
    if (this.#stopping) return;
    const times = this.#limit.died(this.#options.now());
    if (times !== undefined) {
      const why = `it died ${times} times within a minute, the last time of ${how}`;
      return this.#options.onGivenUp(cannotStart(why));
    }
    this.#options.say(`the gateway died (${how}); starting it again: it seals what it left behind`);
    this.start().then(
      () => this.#options.say(`the gateway is back as process ${this.pid}`),
      (error: unknown) => {
        if (!this.#stopping) this.#options.onGivenUp(asCustodyError(error));
      },
    );
  }
}

const logEntry = z.object({ event: z.string(), message: z.string().optional(), hint: z.string().optional() });

function parseLine(line: string): z.infer<typeof logEntry> | undefined {
  try {
    return logEntry.parse(parseJson(line));
  } catch {
    return undefined;
  }
}

function cannotStart(detail: string): CustodyError {
  return new CustodyError('internal', `the gateway cannot run: ${detail}`, {
    hint: 'its log above says why',
  });
}
