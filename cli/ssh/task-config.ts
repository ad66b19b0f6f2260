import type { NamedTask } from '../clients/kit.ts';
import { quoted } from './config-text.ts';

interface SshTarget {
  readonly name: string;
  readonly logins?: readonly string[] | undefined;
}

/** An ssh_config that names run and task in the user, before what `config` has: of each setting the first counts (ssh_config(5)). */
export function taskConfigText({ name, logins = [] }: SshTarget, as: NamedTask, config: string): string {
  const login = as.login ?? logins[0];
  const trace = as.trace === undefined ? '' : `,trace=${as.trace}`;
  const user = `${login === undefined ? '' : `${login}+`}${name},run=${as.run},task=${as.task}${trace}`;
  return [
    '# Written by custody for one task of one run.',
    `Host ${name}`,
    `    User ${user}`,
    'Match all',
    `    Include ${quoted(config)}`,
    '',
  ].join('\n');
}
