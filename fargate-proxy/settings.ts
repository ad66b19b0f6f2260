import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CustodyError } from '#core/errors.ts';
import type { AskedLimits } from './descriptors.ts';
import { usualProcesses } from './processes/count.ts';
import type { PlaceAmong } from './processes/share.ts';

/** A process under a parent, which starts it so: nobody else does. */
export interface ChildOf extends PlaceAmong {
  readonly task: string;
  /** The parent's process id. */
  readonly parent: number;
}

/** How a gateway process is started. */
export interface Settings {
  readonly configFile: string;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** Where SSH is spoken, on the same host; nowhere when absent. */
  readonly sshPort?: number;
  /** Where Kubernetes is spoken, on the same host; nowhere when absent. */
  readonly kubernetesPort?: number;
  readonly loginMs: number;
  readonly drainMs: number;
  /** How long this task may be unheard of before its sessions are taken over. */
  readonly leaseMs: number;
  /** Where people look at requests. */
  readonly apiUrl?: string;
  /** How often leaves enter the ledger, where that is this process's work. */
  readonly sequenceMs: number;
  /** How often custody.yaml is looked at; where it is says that when absent. */
  readonly configMs?: number;
  /** How long a client may leave bytes that were sent to it without an answer. A target's is in the configuration. */
  readonly userTimeoutMs: number;
  /** How many may be here at once; what descriptors allow where nothing is said. */
  readonly limits: AskedLimits;
  /** How many processes serve sessions; with one there is no parent. */
  readonly processes: number;
  readonly child?: ChildOf;
}

/** From the command line; what the stack says in the environment counts where that says nothing. */
export function readSettings(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
  cores: number = availableParallelism(),
): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      'data-dir': { type: 'string' },
      listen: { type: 'string', default: '127.0.0.1:7432' },
      'ssh-port': { type: 'string' },
      'kubernetes-port': { type: 'string' },
      'login-ms': { type: 'string', default: '10000' },
      'drain-ms': { type: 'string', default: '30000' },
      'lease-ms': { type: 'string', default: '15000' },
      'sequence-ms': { type: 'string', default: '5000' },
      'config-ms': { type: 'string' },
      'api-url': { type: 'string' },
      'user-timeout-ms': { type: 'string', default: '30000' },
      'sessions-max': { type: 'string' },
      'peers-max': { type: 'string' },
      'peers-per-address': { type: 'string' },
      processes: { type: 'string' },
      child: { type: 'string' },
    },
  });
  const dataDir = resolve(values['data-dir'] ?? '.custody');
  const { host, port } = parseListen(values.listen);
  const configMs = numberIn(values, 'config-ms');
  const sshPort = portIn(values, 'ssh-port') ?? portIn(environment, 'CUSTODY_SSH_PORT');
  const kubernetesPort = portIn(values, 'kubernetes-port') ?? portIn(environment, 'CUSTODY_KUBERNETES_PORT');
  const processes = numberIn(values, 'processes') ?? numberIn(environment, 'CUSTODY_PROCESSES');
  return {
    configFile: resolve(values.config ?? join(dataDir, 'custody.yaml')),
    dataDir,
    host,
    port,
    ...(sshPort === undefined ? {} : { sshPort }),
    ...(kubernetesPort === undefined ? {} : { kubernetesPort }),
    loginMs: Number(values['login-ms']),
    drainMs: Number(values['drain-ms']),
    leaseMs: Number(values['lease-ms']),
    sequenceMs: numberIn(values, 'sequence-ms')!,
    ...(configMs === undefined ? {} : { configMs }),
    userTimeoutMs: numberIn(values, 'user-timeout-ms')!,
    limits: {
      sessions: numberIn(values, 'sessions-max'),
      peers: numberIn(values, 'peers-max'),
      perAddress: numberIn(values, 'peers-per-address'),
    },
    processes: processes ?? usualProcesses(cores),
    ...(values.child === undefined ? {} : { child: childOf(values.child) }),
    ...(values['api-url'] === undefined ? {} : { apiUrl: values['api-url'] }),
  };
}

/** A whole number of one or more; undefined when it is not given. Throws `config-invalid`. */
function numberIn(values: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const written = values[name];
  if (written === undefined) return undefined;
  const value = Number(written);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new CustodyError('config-invalid', `${shown(name)} is not a whole number of one or more`);
}

/** As `childArguments` wrote it. */
function childOf(written: string): ChildOf {
  const [number, of, parent, task] = written.split('/');
  return { number: Number(number), of: Number(of), parent: Number(parent), task: task! };
}

/** What a child is started with, behind what its parent was started with. */
export function childArguments({ number, of, parent, task }: ChildOf): readonly string[] {
  return ['--child', [number, of, parent, task].join('/')];
}

function portIn(values: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const port = numberIn(values, name);
  if (port === undefined || port <= 65_535) return port;
  throw new CustodyError('config-invalid', `${shown(name)} is not a port: it is more than 65535`);
}

/** As people write it: settings of the environment are in capitals. */
function shown(name: string): string {
  return name === name.toUpperCase() ? name : `--${name}`;
}

function parseListen(listen: string): { host: string; port: number } {
  const colon = listen.lastIndexOf(':');
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(listen.slice(colon + 1)) };
}
