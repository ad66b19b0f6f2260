/** What a kubeconfig has of one target: a cluster, a user and a context, all of one name. */
import type { Api } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';
import type { NamedTask } from '../clients/kit.ts';
import { CUSTODY } from '../self.ts';

/** Versions of client.authentication.k8s.io; kubectl knows v1 from 1.22 on. */
export const execApis = ['v1', 'v1beta1'] as const;
export type ExecApi = (typeof execApis)[number];

export interface EntryWishes {
  /** What the names of entries begin with. */
  readonly prefix?: string;
  readonly namespace?: string;
  readonly execApi?: ExecApi;
  readonly reason?: string;
  readonly ticket?: string;
  /** As a task of a run. */
  readonly as?: NamedTask;
  /** In place of the plugin: a file with a token that somebody renews. */
  readonly tokenFile?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
export interface KubeEntry {
  readonly name: string;
  readonly cluster: Fields;
  readonly user: Fields;
  readonly context: Fields;
}

/** By the extension of this name an entry is known as ours, and as of which gateway and target. */
export const MARK = 'custody';
export const USUAL_PREFIX = 'custody-';

export function entryOf(cli: Cli, { base }: Api, target: Target, wishes: EntryWishes): KubeEntry {
  const { prefix = USUAL_PREFIX, as, namespace, tokenFile } = wishes;
  const name = `${prefix}${target.name}${as === undefined ? '' : `.${as.run}.${as.task}`}`;
  const extensions = [{ name: MARK, extension: { api: base.href, target: target.name } }];
  const caData = target.caPem ? Buffer.from(target.caPem).toString('base64') : undefined;
  return {
    name,
    cluster: {
      server: serverOf(target, as),
      ...(caData === undefined ? {} : { 'certificate-authority-data': caData }),
      extensions,
    },
    user: {
      ...(tokenFile === undefined ? { exec: execOf(cli, base, target, wishes) } : { tokenFile }),
      extensions,
    },
    context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }), extensions },
  };
}

/** Its path names the cluster, and the task. */
export function serverOf({ host, port, name }: Target, task: NamedTask | undefined): string {
  const written = host.includes(':') ? `[${host}]` : host;
  const ofTask = task === undefined ? '' : `/tasks/${task.run}/${task.task}`;
  return `https://${written}:${port}/clusters/${name}${ofTask}`;
}

/** The very custody that writes it: what a path of somebody's leads to later is another program. */
function execOf(
  cli: Cli,
  base: URL,
  { name }: Target,
  { execApi = 'v1', as, reason, ticket }: EntryWishes,
): Fields {
  const task = as === undefined ? [] : ['--run', as.run, '--task', as.task];
  const env = {
    CUSTODY_HOME: cli.home.folder,
    CUSTODY_API: base.href,
    ...(reason === undefined ? {} : { CUSTODY_REASON: reason }),
    ...(ticket === undefined ? {} : { CUSTODY_TICKET: ticket }),
  };
  return {
    apiVersion: `client.authentication.k8s.io/${execApi}`,
    command: process.execPath,
    args: [CUSTODY, 'kubernetes-credential', '--target', name, ...task],
    env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
    installHint: 'The custody that wrote this is gone: run custody kubeconfig again where it is installed.',
    // A login in a browser, and the question for a reason.
    interactiveMode: 'IfAvailable',
    provideClusterInfo: false,
  };
}
