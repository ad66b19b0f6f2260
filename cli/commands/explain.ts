import { Argument, Command } from 'commander';
import { demoPeople } from '#adapters/local/demo-issuer.ts';
import { readConfigFile } from '#adapters/local/config-file.ts';
import { type Explanation, explain } from '#core/access/explain.ts';
import { actions } from '#core/access/schema.ts';
import type { Action, Config } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { getExplanation } from '../access-api.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';

const HOUR_MS = 3_600_000;
const DEFAULT_CONFIG = '.custody/custody.yaml';
const CODES: Readonly<Record<Explanation['verdict'], number>> = { allowed: 0, requestable: 4, denied: 3 };

interface ExplainOptions {
  readonly as?: string;
  readonly groups?: string;
  readonly from?: string;
  readonly at?: string;
  readonly mfa?: true;
  readonly task?: string;
  readonly session?: string;
  readonly config?: string;
  readonly json?: true;
}

export function explainCommand(cli: Cli): Command {
  return new Command('explain')
    .description(
      'what would be decided, and why; offline from a configuration file with --as, else about yourself',
    )
    .addArgument(new Argument('<action>').choices(actions))
    .argument('[target]')
    .option('--as <email>', 'about this person')
    .option('--groups <names>', 'who is in these groups, with commas (of a demo person they are known)')
    .option('--from <address>', 'who connects from there')
    .option('--at <time>', 'then, such as 2026-11-23T20:00:00Z')
    .option('--mfa', 'whose token says that a second factor was checked')
    .option('--task <name>', 'whose token was issued for this task')
    .option('--session <email>', "about a session of this person's (default: their own)")
    .option('--config <file>', `the configuration (default: ${DEFAULT_CONFIG})`)
    .option('--json', 'as one line of JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 allowed, 1 an error, 2 a wrong option, 3 denied, 4 access can be asked for.',
    )
    .action((action: Action, target: string | undefined, options: ExplainOptions) =>
      run(cli, action, target, options),
    );
}

async function run(
  cli: Cli,
  action: Action,
  target: string | undefined,
  options: ExplainOptions,
): Promise<void> {
  if (target === undefined && action !== 'administer') {
    throw new CustodyError('format-invalid', `name the target: custody explain ${action} <target>`);
  }
  const explanation =
    options.as === undefined ? await online(cli, action, target) : offline(cli, action, target, options);
  cli.exitWith(CODES[explanation.verdict]);
  if (options.json) return printJson(cli, explanation);
  await print(cli, escapeTerminal(`${explanation.verdict}: ${explanation.because}`));
  for (const { rule, effect, applies, because } of explanation.rules ?? []) {
    const verdict = applies ? `${effect === 'allow' ? 'allows' : 'denies'} it` : because.join('; ');
    await print(cli, escapeTerminal(`  rule ${rule}: ${verdict}`));
  }
  if (explanation.hint !== undefined) await print(cli, escapeTerminal(`hint: ${explanation.hint}`));
}

type Shown = Omit<Explanation, 'rules' | 'action'> & {
  readonly action: string;
  readonly rules?: Explanation['rules'];
};

async function online(cli: Cli, action: Action, target: string | undefined): Promise<Shown> {
  const { hint, ...answer } = await getExplanation(await connectApi(cli), action, target);
  return { ...answer, ...(hint === undefined ? {} : { hint }) };
}

function offline(cli: Cli, action: Action, target = '*', options: ExplainOptions): Explanation {
  const policy = readConfigFile(options.config ?? DEFAULT_CONFIG);
  const now = options.at === undefined ? new Date(cli.now()) : timeOf(options.at);
  const principal = principalOf(options, policy, now);
  const other =
    options.session === undefined ? principal : principalOf({ as: options.session, groups: '' }, policy, now);
  return explain({
    policy,
    principal,
    action,
    target,
    now,
    session: { issuer: other.issuer, subject: other.subject },
    context: options.from === undefined ? {} : { network: options.from },
  });
}

/** Somebody who could log in now. What is not said of them they do not have. */
function principalOf({ as, groups, mfa, task }: ExplainOptions, { issuers }: Config, now: Date): Principal {
  const demo = Object.values(demoPeople).find(({ email }) => email === as);
  const named = groups?.split(',').map((group) => group.trim()) ?? demo?.groups;
  if (named === undefined) {
    throw new CustodyError('format-invalid', `say which groups ${as} is in`, { hint: 'with --groups a,b' });
  }
  return {
    issuer: issuers[0]!.issuer,
    issuerName: issuers[0]!.name,
    subject: demo?.subject ?? as!,
    email: as!,
    groups: named.filter((group) => group !== ''),
    expiresAt: new Date(now.getTime() + HOUR_MS),
    ...(mfa === undefined ? {} : { mfa }),
    ...(task === undefined ? {} : { task }),
  };
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new CustodyError('format-invalid', `${text} is not a time`, { hint: 'such as 2026-11-23T20:00:00Z' });
}
