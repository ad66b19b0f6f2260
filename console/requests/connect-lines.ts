/** What to run at a target, once it may be reached. */
import { shellWord } from '#core/replay/shell-word.ts';
import type { AccessRequest, Target } from '../api/types.ts';

export interface ConnectLine {
  readonly what: string;
  readonly line: string;
}

type Scope = Pick<AccessRequest, 'statements' | 'run'>;

/** As docs/postgres, ssh and kubernetes have them; the gateway's own client first, as it needs nothing prepared. */
export function connectLines(
  { name, protocol }: Pick<Target, 'name' | 'protocol'>,
  scope: Scope = {},
): readonly ConnectLine[] {
  const connect = `custody connect ${name}${taskOptions(scope)} --`;
  switch (protocol) {
    case 'postgres':
      return [
        { what: 'psql', line: `${connect} psql${commandOptions(scope)}` },
        { what: 'Any client of libpq', line: `eval "$(custody env ${name}${taskOptions(scope)} --libpq)"` },
      ];
    case 'ssh':
      return [
        { what: 'A shell', line: `${connect} ssh` },
        { what: 'ssh, scp, rsync and git as they are', line: `custody ssh-config --install && ssh ${name}` },
      ];
    case 'kubernetes':
      return [
        { what: 'kubectl', line: `${connect} kubectl get pods` },
        {
          what: 'kubectl as it is',
          line: `custody kubeconfig --install && kubectl --context custody-${name} get pods`,
        },
      ];
    default:
      return [{ what: 'The gateway’s own client', line: connect.slice(0, -3) }];
  }
}

function taskOptions({ run }: Scope): string {
  if (run === undefined) return '';
  return ` --run ${run.id}${run.task === undefined ? '' : ` --task ${run.task}`}`;
}

const PLAIN = /^[\p{L}\p{N}\p{P}\p{S} ]*$/u;
const LINE_MAX = 2_000;

/** Those that were approved, where they can be read on one line; others are written by hand. */
function commandOptions({ statements = [] }: Scope): string {
  const options = statements.map(({ text }) => ` -c ${shellWord(text)}`).join('');
  const isReadable = statements.every(({ text }) => PLAIN.test(text)) && options.length <= LINE_MAX;
  return isReadable ? options : '';
}
