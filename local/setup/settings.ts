import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CustodyError } from '#core/errors.ts';

/** What `npm start` was asked for. */
export interface LocalSettings {
  readonly dataDir: string;
  readonly json: boolean;
  /** How long running sessions may go on after Ctrl-C, in milliseconds. */
  readonly drainMs: number;
  /** How many processes serve sessions: one is enough for whoever tries it. */
  readonly processes: number;
  /** How often custody.yaml is looked at, in milliseconds. */
  readonly configMs: number;
  /** How often leaves enter the ledger, in milliseconds. */
  readonly sequenceMs: number;
  readonly ports: {
    readonly issuer: number;
    readonly api: number;
    readonly gateway: number;
    readonly database: number;
    /** Where SSH clients connect: the gateway. */
    readonly ssh: number;
    /** The demo SSH server behind it. */
    readonly sshTarget: number;
    /** Where Kubernetes clients connect: the gateway. */
    readonly kubernetes: number;
  };
  /** Whether the demo SSH server is wanted. */
  readonly demoSsh: boolean;
  /** Whose cluster is a target of the demo; none when not given. */
  readonly kubeconfig?: { readonly file: string; readonly context?: string };
}

const DEFAULT_BASE = 7400;

/** Throws `config-invalid` for an option that makes no sense. */
export function readSettings(args: readonly string[]): LocalSettings {
  const { values } = parse(args);
  const base = wholeNumber('--port-base', values['port-base'], 1024, 65_000);
  return {
    dataDir: resolve(values['data-dir']),
    json: values.json,
    drainMs: wholeNumber('--drain-ms', values['drain-ms'], 0, 86_400_000),
    processes: wholeNumber('--processes', values.processes, 1, 256),
    configMs: wholeNumber('--config-ms', values['config-ms'], 10, 60_000),
    sequenceMs: wholeNumber('--sequence-ms', values['sequence-ms'], 10, 60_000),
    ports: {
      ...{ issuer: base + 1, api: base + 2, gateway: base + 32, database: base + 33 },
      ...{ ssh: base + 22, sshTarget: base + 23, kubernetes: base + 43 },
    },
    demoSsh: values['demo-ssh'] ?? runsAsAnother(),
    ...kubeconfigOf(values.kubeconfig, values['kube-context']),
  };
}

function kubeconfigOf(
  file: string | undefined,
  context: string | undefined,
): Pick<LocalSettings, 'kubeconfig'> {
  if (file !== undefined)
    return { kubeconfig: { file: resolve(file), ...(context === undefined ? {} : { context }) } };
  if (context === undefined) return {};
  throw new CustodyError('config-invalid', '--kube-context is of a kubeconfig', {
    hint: 'name it: --kubeconfig FILE --kube-context NAME',
  });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        'data-dir': { type: 'string', default: '.custody' },
        'port-base': { type: 'string', default: String(DEFAULT_BASE) },
        'drain-ms': { type: 'string', default: '10000' },
        processes: { type: 'string', default: '1' },
        'sequence-ms': { type: 'string', default: '5000' },
        'config-ms': { type: 'string', default: '1000' },
        json: { type: 'boolean', default: false },
        'demo-ssh': { type: 'boolean' },
        kubeconfig: { type: 'string' },
        'kube-context': { type: 'string' },
      },
    });
  } catch (cause) {
    throw new CustodyError('config-invalid', cause instanceof Error ? cause.message : String(cause), {
      hint: 'usage: npm start -- [--data-dir DIR] [--port-base N] [--drain-ms N] [--processes N] [--json] [--[no-]demo-ssh] [--kubeconfig FILE [--kube-context NAME]]',
    });
  }
}

/**
 * Whoever may use this machine can log in at the demo's identity provider. To them the demo SSH server is a shell: of a user of its
 * own where we are root, and else of ours, which is for us to say.
 */
function runsAsAnother(): boolean {
  return process.getuid?.() === 0;
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new CustodyError('config-invalid', `${option} ${text} is not a whole number from ${min} to ${max}`);
}

/** The files of a data folder. */
export function dataFiles(dataDir: string) {
  return {
    config: join(dataDir, 'custody.yaml'),
    tls: join(dataDir, 'tls'),
    signerPem: join(dataDir, 'signer.pem'),
    store: join(dataDir, 'store'),
    journal: join(dataDir, 'journal'),
    index: join(dataDir, 'index.sqlite'),
    search: join(dataDir, 'search.sqlite'),
    postgres: join(dataDir, 'postgres'),
    password: join(dataDir, 'secrets', 'orders-db'),
    cluster: { secret: join(dataDir, 'secrets', 'cluster'), ca: join(dataDir, 'tls', 'cluster-ca.pem') },
    web: { folder: join(dataDir, 'web-1'), keyFile: join(dataDir, 'secrets', 'web-1') },
  };
}
