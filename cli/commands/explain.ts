import { Argument, Command, InvalidArgumentError } from 'commander';
import { parseConfigFile } from '#adapters/local/config-file.ts';
import { demoPeople } from '#adapters/local/demo-issuer.ts';
import type { Action, Config } from '#core/access/config.ts';
import { type Explanation, explain, explainBeforehand } from '#core/access/explain.ts';
import { personOf } from '#core/access/person.ts';
import { actions } from '#core/access/schema.ts';
import { issuerNamed, supposedPrincipal } from '#core/access/supposed.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { getExplanation } from '../access-api.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';

const DEFAULT_CONFIG = '.custody/custody.yaml';
const CODES: Readonly<Record<Explanation['verdict'], number>> = { allowed: 0, requestable: 4, denied: 3 };

interface ExplainOptions {
  readonly as?: string;
  readonly groups?: string;
  readonly from?: string;
  readonly at?: string;
  readonly mfa?: true;
  readonly task?: string;
  readonly login?: string;
  readonly issuer?: string;
  readonly claim?: Readonly<Record<string, string[]>>;
  readonly actor?: readonly string[];
  readonly actorIssuer?: string;
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
    .option('--as <email>', 'about this person, or the subject of this machine')
    .option(
      '--groups <names>',
      'who is in these groups, as rules name them, with commas (of a demo person they are known)',
    )
    .option('--issuer <name>', 'whose token is of this issuer of the configuration (default: the first)')
    .option('--claim <name=value>', 'whose token says so; may be given again', readClaim)
    .option('--actor <subject>', 'for whom this one acts; given again: for whom that one acts in turn', list)
    .option('--actor-issuer <url>', "the actors' issuer (default: that of the token)")
    .option('--from <address>', 'who connects from there')
    .option('--at <time>', 'then, such as 2026-11-23T20:00:00Z')
    .option('--mfa', 'whose token says that a second factor was checked')
    .option('--task <name>', 'whose token was issued for this task')
    .option('--login <name>', 'as this login of the target')
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
    options.as === undefined
      ? await online(cli, action, target, options.login)
      : offline(cli, action, target, options);
  cli.exitWith(CODES[explanation.verdict]);
  if (options.json) return printJson(cli, explanation);
  await print(cli, escapeTerminal(`${explanation.verdict}: ${explanation.because}`));
  for (const line of explanation.passes ?? []) await print(cli, escapeTerminal(`  ${line}`));
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

async function online(
  cli: Cli,
  action: Action,
  target: string | undefined,
  login: string | undefined,
): Promise<Shown> {
  const { hint, passes, ...answer } = await getExplanation(await connectApi(cli), action, target, login);
  return { ...answer, ...(hint === undefined ? {} : { hint }), ...(passes === undefined ? {} : { passes }) };
}

function offline(cli: Cli, action: Action, target = '*', options: ExplainOptions): Explanation {
  const policy = parseConfigFile(options.config ?? DEFAULT_CONFIG);
  const now = options.at === undefined ? new Date(cli.now()) : timeOf(options.at);
  const principal = principalOf(options, policy, now);
  const { issuer } = options;
  const owner = { as: options.session!, groups: '', ...(issuer === undefined ? {} : { issuer }) };
  const other = options.session === undefined ? principal : principalOf(owner, policy, now);
  const { from: network, login } = options;
  const context = {
    ...(network === undefined ? {} : { network }),
    ...(login === undefined ? {} : { login }),
  };
  const about = { policy, principal, target, now, session: personOf(other), context };
  return action === 'connect' ? explainBeforehand({ ...about, action }) : explain({ ...about, action });
}

/** Somebody who could log in now. Of a demo person the groups are known. */
function principalOf(options: ExplainOptions, policy: Config, now: Date): Principal {
  const { as, claim: claims, mfa, task } = options;
  const issuer = issuerNamed(options.issuer, policy);
  const demo = Object.values(demoPeople).find(({ email }) => email === as);
  const known = demo?.groups ?? (issuer.kind === 'workload' ? [] : undefined);
  return supposedPrincipal(
    {
      ...{ as: as!, subject: demo?.subject, issuer: issuer.name, claims, mfa, task },
      groups: groupsOf(options, known),
      actors: actorsOf(options, issuer),
    },
    policy,
    now,
  );
}

function groupsOf({ as, groups }: ExplainOptions, known: readonly string[] | undefined): string[] {
  const named = groups?.split(',').map((group) => group.trim()) ?? known;
  if (named !== undefined) return named.filter((group) => group !== '');
  throw new CustodyError('format-invalid', `say which groups ${as} is in`, { hint: 'with --groups a,b' });
}

function actorsOf({ actor = [], actorIssuer }: ExplainOptions, { issuer }: { issuer: string }) {
  return actor.map((subject) => ({ subject, issuer: actorIssuer ?? issuer }));
}

/** The same claim given again is one of several values. */
function readClaim(text: string, before: Record<string, string[]> = {}): Record<string, string[]> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined)
    throw new InvalidArgumentError('It must be a name and a value: ref=refs/heads/main.');
  const values = Object.hasOwn(before, name) ? before[name]! : [];
  return { ...before, [name]: [...values, value!] };
}

function list(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

function timeOf(text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new CustodyError('format-invalid', `${text} is not a time`, { hint: 'such as 2026-11-23T20:00:00Z' });
}
