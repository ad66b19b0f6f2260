import { Argument, Command, Option } from 'commander';
import { exchangeDemoTokens } from '#adapters/local/demo-exchange.ts';
import { demoIssuer, demoPeople, demoRole, demoToken } from '#adapters/local/demo-issuer.ts';
import { keptKeys, workloadKeys } from '#adapters/local/demo-keys.ts';
import {
  agentToken,
  type DemoJob,
  type DemoWorkload,
  demoAgents,
  demoWorkloads,
  jobRequestToken,
  jobRequestUrl,
  jobToken,
  workloadsIssuer,
} from '#adapters/local/demo-workloads.ts';
import { CustodyError } from '#core/errors.ts';
import { type Cli, print } from '../cli.ts';
import { isSessionId } from '../session-id.ts';

interface JobOptions {
  readonly dataDir: string;
  readonly ref?: string;
  readonly repository?: string;
}

interface TaskOptions {
  readonly run?: string;
  readonly task?: string;
}

interface TokenOptions extends JobOptions, TaskOptions {
  readonly actor?: string;
  readonly workload?: DemoWorkload;
}

const names = Object.values(demoPeople).map(({ name }) => name.toLowerCase());

export function demoCommand(cli: Cli): Command {
  return new Command('demo')
    .description('for the local gateway alone')
    .addCommand(tokenCommand(cli))
    .addCommand(jobCommand(cli));
}

function tokenCommand(cli: Cli): Command {
  const token = new Command('token')
    .description(
      'a token of a demo person, of an agent that acts for one, or of a workload, for scripts: export CUSTODY_TOKEN=$(custody demo token developer)',
    )
    .addArgument(new Argument('[person]').choices([...Object.keys(demoPeople), ...names]))
    .addOption(
      new Option(
        '--actor <agent>',
        'of this agent, acting for the person: the tokens of both, exchanged',
      ).choices(Object.keys(demoAgents)),
    )
    .addOption(
      new Option('--workload <name>', 'of a job, in place of a person').choices(Object.keys(demoWorkloads)),
    );
  token.option('--run <id>', 'for one task of this run alone').option('--task <name>', 'which of its tasks');
  return withJob(token).action(async (person: string | undefined, options: TokenOptions) => {
    await print(cli, await tokenOf(person, options, cli.now()));
  });
}

function jobCommand(cli: Cli): Command {
  const job = new Command('job')
    .description(
      'what a job of GitHub Actions has in its environment: eval "$(custody demo job deploy)", then custody login --workload',
    )
    .addArgument(new Argument('<workload>').choices(Object.keys(demoWorkloads)));
  return withJob(job).action(async (workload: DemoWorkload, options: JobOptions) => {
    const { keys, issuer } = workloadsOf(options.dataDir);
    const token = await jobRequestToken(keys, issuer, jobFor(workload, options), cli.now());
    await print(cli, `export ACTIONS_ID_TOKEN_REQUEST_URL='${jobRequestUrl(issuer)}'`);
    await print(cli, `export ACTIONS_ID_TOKEN_REQUEST_TOKEN='${token}'`);
  });
}

function withJob(command: Command): Command {
  return command
    .option('--ref <ref>', 'the branch or tag that the job runs for, in place of refs/heads/main')
    .option('--repository <owner/name>', "in place of the workload's own")
    .option('--data-dir <dir>', "the local gateway's data folder", '.custody');
}

async function tokenOf(person: string | undefined, options: TokenOptions, nowMs: number): Promise<string> {
  const { dataDir, actor, workload } = options;
  if ((person === undefined) === (workload === undefined) || (workload !== undefined && actor !== undefined))
    throw new CustodyError('format-invalid', 'name either a person, with or without --actor, or --workload');
  const task = taskClaim(options);
  const more = task === undefined ? {} : { task };
  if (workload !== undefined) return tokenOfJob(dataDir, { ...jobFor(workload, options), ...more }, nowMs);
  const own = await demoToken(dataDir, demoRole(person!)!, nowMs, more);
  return actor === undefined ? own : onBehalf(dataDir, own, actor, nowMs);
}

/** As the demo's custody.yaml reads it (`taskClaim`). */
function taskClaim({ run, task }: TaskOptions): string | undefined {
  if (run === undefined && task === undefined) return undefined;
  if (run === undefined || task === undefined || !isSessionId(run))
    throw new CustodyError('format-invalid', '--run and --task go together, and the run goes by its id', {
      hint: 'custody run list has them',
    });
  return `${run}/${task}`;
}

async function tokenOfJob(dataDir: string, job: DemoJob, nowMs: number): Promise<string> {
  const { keys, issuer, audience } = workloadsOf(dataDir);
  return jobToken(keys, issuer, audience, job, nowMs);
}

/** As the agent does it over HTTP at the demo identity provider (RFC 8693). */
async function onBehalf(dataDir: string, own: string, agent: string, nowMs: number): Promise<string> {
  const { keys, issuer, people } = workloadsOf(dataDir);
  const actor = await agentToken(keys, issuer, people, agent, nowMs);
  return (await exchangeDemoTokens(dataDir, own, actor, nowMs)).token;
}

function workloadsOf(dataDir: string) {
  const { issuer: people, audience } = demoIssuer(dataDir);
  return { keys: keptKeys(dataDir, workloadKeys), issuer: workloadsIssuer(people), people, audience };
}

function jobFor(workload: DemoWorkload, { ref, repository }: JobOptions): DemoJob {
  const job = demoWorkloads[workload];
  return { ...job, ref: ref ?? job.ref, repository: repository ?? job.repository };
}
