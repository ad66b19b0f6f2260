import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { type Api, getTargets } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import { type Cli, say, write } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { type EntryWishes, entryOf, execApis, type KubeEntry, USUAL_PREFIX } from '../kubernetes/entry.ts';
import { BACKUP, changeKubeconfig, personsKubeconfig } from '../kubernetes/kubeconfig-file.ts';
import { type Change, changed, isOurs } from '../kubernetes/kubeconfig-text.ts';
import { counted } from '../listing.ts';
import { TASK_OPTIONS_HELP, type TaskOptions, targetOfTask, withTask } from '../run/task-wishes.ts';

interface KubeconfigOptions extends TaskOptions, Pick<EntryWishes, 'prefix' | 'namespace' | 'execApi'> {
  readonly install?: true;
  readonly file?: string;
  readonly use?: true;
  readonly prune?: true;
}

const NOTES = `
Then kubectl --context custody-prod, helm, k9s and whatever else reads a kubeconfig work as with any cluster: they run custody for a
credential by themselves. No secret is in it. Without --install and --file it is printed, for a file of its own.
A file that is there keeps all else that is in it; what it was is kept beside it, as FILE${BACKUP}.`;

export function kubeconfigCommand(cli: Cli): Command {
  return new Command('kubeconfig')
    .description('write a kubeconfig: custody kubeconfig --install, then kubectl --context custody-prod')
    .argument('[target...]', 'clusters (default: all that you may connect to)')
    .option('--install', 'into your own kubeconfig: that of KUBECONFIG, else ~/.kube/config')
    .option('--file <file>', 'into this file')
    .option('--use', 'and make the first of them the current context')
    .option('--prune', 'and take out our entries of clusters that you may not connect to any more')
    .option('--namespace <name>', 'what kubectl takes where it is given none')
    .option('--prefix <text>', 'what the names of entries begin with', USUAL_PREFIX)
    .addOption(
      new Option('--exec-api <version>', 'of the credential plugin; kubectl before 1.22 needs v1beta1')
        .choices(execApis)
        .default('v1'),
    )
    .option('--run <run>', TASK_OPTIONS_HELP.run)
    .option('--task <name>', TASK_OPTIONS_HELP.task)
    .addHelpText('after', NOTES)
    .action((targets: readonly string[], options: KubeconfigOptions) => kubeconfig(cli, targets, options));
}

async function kubeconfig(cli: Cli, names: readonly string[], options: KubeconfigOptions): Promise<void> {
  if (options.install && options.file !== undefined)
    throw new CustodyError('format-invalid', 'give --install or --file, not both');
  const api = await connectApi(cli);
  const clusters = (await getTargets(api)).filter(({ protocol }) => protocol === 'kubernetes');
  const entries = await entriesOf(cli, api, clusters, names, options);
  const change: Change = {
    api: api.base.href,
    entries,
    ...(options.use ? { use: entries[0]!.name } : {}),
    ...(options.prune ? { onlyTargets: new Set(clusters.map(({ name }) => name)) } : {}),
  };
  if (!options.install && options.file === undefined) return write(cli, changed('', change));
  const ours = (text: string): boolean => isOurs(text, api.base.href);
  const file = options.file === undefined ? personsKubeconfig(cli, ours) : resolve(options.file);
  const isNew = changeKubeconfig(file, (text) => changed(text, change));
  const contexts = entries.map(({ name }) => name).join(', ');
  say(cli, `${counted(entries.length, 'cluster')} in ${file}${isNew ? '' : ', as before'}: ${contexts}`);
}

async function entriesOf(
  cli: Cli,
  api: Api,
  clusters: readonly Target[],
  given: readonly string[],
  { run, task, prefix, namespace, execApi }: KubeconfigOptions,
): Promise<readonly KubeEntry[]> {
  const asTask = run === undefined && task === undefined ? {} : { run, task };
  const isTask = run !== undefined || task !== undefined;
  const names = given.length === 0 && isTask ? [await targetOfTask(api, asTask as TaskOptions)] : given;
  const targets = names.length === 0 ? clusters : names.map((name) => named(clusters, name));
  if (targets.length === 0)
    throw new CustodyError('target-unknown', 'there is no cluster that you may connect to', {
      hint: 'custody targets lists what there is',
    });
  const base = { ...(prefix && { prefix }), ...(namespace && { namespace }), ...(execApi && { execApi }) };
  return Promise.all(
    targets.map(async (target) => {
      const { as } = await withTask(cli, api, target.name, asTask as TaskOptions);
      return entryOf(cli, api, target, { ...base, ...(as && { as }) });
    }),
  );
}

function named(clusters: readonly Target[], name: string): Target {
  const found = clusters.find((target) => target.name === name);
  if (found !== undefined) return found;
  const names = clusters.map((target) => target.name).join(', ');
  throw new CustodyError('target-unknown', `there is no cluster ${name} that you may connect to`, {
    hint: names === '' ? 'there is none at all; custody targets lists what there is' : `there are: ${names}`,
  });
}
