import { CustodyError } from '#core/errors.ts';
import type { Api } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';
import { withConfig } from '../ssh/command.ts';
import { configPath, namesOf, writeSshConfig } from '../ssh/config.ts';
import { readyKey } from '../ssh/login.ts';
import { shellWord } from '../ssh/self.ts';
import { taskConfigText } from '../ssh/task-config.ts';
import type { ClientEnv, ClientKit, Wishes } from './kit.ts';
import { sshExecutor } from './ssh-executor.ts';

/** What Ansible tells ssh by itself, which it does not where it is told something else. */
const ANSIBLE_USUAL = '-C -o ControlMaster=auto -o ControlPersist=60s';

export const sshKit: ClientKit = {
  usual: 'ssh',
  env: async (cli, api, target, wishes) => {
    refuseWishes(target, wishes);
    await ready(cli, api, target);
    return envOf(cli, target, configFor(cli, target, wishes));
  },
  prepare: async (cli, api, target, command, wishes) => {
    refuseWishes(target, wishes);
    await ready(cli, api, target);
    const names = namesOf(target);
    const config = configFor(cli, target, wishes);
    return { command: withConfig(command, config, target.name, names), env: envOf(cli, target, config) };
  },
  open: async (cli, api, target, wishes) => {
    await ready(cli, api, target);
    return sshExecutor(cli, configFor(cli, target, wishes), target, wishes.isQuiet === true);
  },
};

async function ready(cli: Cli, api: Api, { name }: Target): Promise<void> {
  await writeSshConfig(cli, api, await readyKey(cli, api, name));
}

/** As a task of a run, SSH has no other place to name it than the user (core/tasks). */
function configFor(cli: Cli, target: Target, { as: task }: Wishes): string {
  if (task === undefined) return configPath(cli);
  const file = `ssh_config-${task.run}-${task.task}`;
  const text = taskConfigText(target, task, configPath(cli));
  if (cli.home.read(file) !== text) cli.home.write(file, text);
  return cli.home.path(file);
}

/** Programs that run ssh have a variable each for how. No secret is among these. */
function envOf(cli: Cli, { name }: Target, config: string): ClientEnv {
  const ssh = `ssh -F ${shellWord(config)}`;
  return {
    CUSTODY_SSH_CONFIG: config,
    GIT_SSH_COMMAND: ssh,
    GIT_SSH_VARIANT: 'ssh',
    RSYNC_RSH: ssh,
    ANSIBLE_SSH_ARGS: `-F ${shellWord(config)} ${ANSIBLE_USUAL}`,
    ANSIBLE_INVENTORY: inventory(cli, name),
  };
}

/** The variable takes files alone, where the option takes names, too. */
function inventory({ home }: Cli, name: string): string {
  const file = `ansible-${name}`;
  if (home.read(file) !== `${name}\n`) home.write(file, `${name}\n`);
  return home.path(file);
}

/** A reason is no part of SSH's own login. */
function refuseWishes({ name }: Target, { reason, ticket, libpq }: Wishes): void {
  if (libpq) throw new CustodyError('unsupported', `--libpq is for databases, and ${name} is none`);
  if (reason === undefined && ticket === undefined) return;
  throw new CustodyError('unsupported', 'ssh has no place for a reason or a ticket', {
    hint: `ask first: custody request ${name} --reason … --wait, and then connect`,
  });
}
