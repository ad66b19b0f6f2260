import { CustodyError } from '#core/errors.ts';
import { privateFolder } from '../agent/private-folder.ts';
import type { Api } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';
import { type ClusterPlace, goodbye } from '../kubernetes/cluster-place.ts';
import { type EntryWishes, entryOf, serverOf } from '../kubernetes/entry.ts';
import { devicePems } from './device-certificate.ts';
import type { ClientEnv, ClientKit, NamedTask, Wishes } from './kit.ts';

/** kubectl, and whatever else reads a kubeconfig. */
export const kubernetesKit: ClientKit = {
  usual: 'kubectl',
  secretFile: (_, token) => `${token}\n`,
  env: async (cli, api, target, wishes) => {
    refuseWishes(target, wishes);
    const file = fileOf(target, wishes);
    const text = await kubeconfig(cli, api, target, wishes);
    if (cli.home.read(file) !== text) cli.home.write(file, text);
    return envOf(cli.home.path(file));
  },
  // kubectl config, kubens and k9s write to it: what they change is for this one alone.
  prepare: async (cli, api, target, command, wishes) => {
    refuseWishes(target, wishes);
    const folder = privateFolder(cli.env);
    folder.write('config', await kubeconfig(cli, api, target, wishes));
    const done = async (): Promise<void> => {
      folder.remove();
      // A result is waited for, and comes when the session has ended.
      if (wishes.as !== undefined) await goodbye(await placeOf(cli, api, target, wishes.as));
    };
    return { command, env: envOf(folder.file('config')), done };
  },
  open: async (cli, api, target, { as, isQuiet }) => {
    const { kubernetesExecutor } = await import('./kubernetes-executor.ts');
    const stdout = isQuiet === true ? cli.stderr : cli.stdout;
    return kubernetesExecutor(await placeOf(cli, api, target, as), { stdout, stderr: cli.stderr });
  },
};

/** With the token that the plugin gives, as long as that is good: of one session there is one. */
async function placeOf(cli: Cli, api: Api, target: Target, as: NamedTask | undefined): Promise<ClusterPlace> {
  const device = await devicePems(cli);
  return {
    server: new URL(serverOf(target, as)),
    token: api.token!,
    ...(target.caPem ? { ca: target.caPem } : {}),
    ...(device === undefined ? {} : { device }),
    ...(as?.trace === undefined ? {} : { trace: as.trace }),
  };
}

function fileOf({ name }: Target, { as }: Wishes): string {
  return as === undefined ? `kubeconfig-${name}` : `kubeconfig-${name}-${as.run}-${as.task}`;
}

/** What writes YAML is loaded here alone: clients of other protocols have no use for it. */
async function kubeconfig(
  cli: Cli,
  api: Api,
  target: Target,
  { reason, ticket, as, secretFile: tokenFile }: Wishes,
): Promise<string> {
  const { changed } = await import('../kubernetes/kubeconfig-text.ts');
  const wishes: EntryWishes = {
    ...(reason === undefined ? {} : { reason }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(as === undefined ? {} : { as }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
  };
  const entry = entryOf(cli, api, target, wishes);
  return changed('', { api: api.base.href, entries: [entry] });
}

/** Helm's own variables would lead it elsewhere, or as somebody else: `helm env`. */
function envOf(file: string): ClientEnv {
  return {
    KUBECONFIG: file,
    KUBERNETES_MASTER: undefined,
    HELM_KUBEAPISERVER: undefined,
    HELM_KUBEASGROUPS: undefined,
    HELM_KUBEASUSER: undefined,
    HELM_KUBECAFILE: undefined,
    HELM_KUBECONTEXT: undefined,
    HELM_KUBEINSECURE_SKIP_TLS_VERIFY: undefined,
    HELM_KUBETLS_SERVER_NAME: undefined,
    HELM_KUBETOKEN: undefined,
  };
}

function refuseWishes({ name }: Target, { libpq }: Wishes): void {
  if (libpq) throw new CustodyError('unsupported', `--libpq is for databases, and ${name} is none`);
}
