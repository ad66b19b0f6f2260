/** Contracts and recorded sessions: written from them, and held against them. Recordings are verified as they are read. */
import { Command } from 'commander';
import { CustodyError } from '#core/errors.ts';
import type { CommandProtocol } from '#core/protocols/command-parts.ts';
import { LOAD_SHAPES } from '#core/protocols/shapes.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { type ObservedSession, observe } from '#core/tasks/learn/observe.ts';
import { learn } from '#core/tasks/learn.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';
import { storedWorkflow } from '#core/tasks/stored-workflow.ts';
import { type TestedTask, tasksAt, testSession } from '#core/tasks/test-sessions.ts';
import type { Workflow } from '#core/tasks/workflows.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { VERDICT_HELP } from '../evidence/report.ts';
import { ORIGIN_HELP } from '../ledger-pin.ts';
import { type ReadingOptions, withEvidence } from '../play/evidence-reading.ts';
import { getWorkflow } from '../runs-api.ts';

/** What an open statement says of what is read. */
interface Opened {
  readonly session: string;
  readonly target: string;
  readonly shapes: CommandShapes;
}

const DEVIATES = 3;

interface LearnOptions extends ReadingOptions {
  readonly name: string;
  readonly groups: readonly string[];
  readonly json?: true;
}

export function learnCommand(cli: Cli): Command {
  return reading(
    new Command('learn')
      .description(
        'write a workflow from recorded sessions, ready to be reviewed: workflows: in custody.yaml',
      )
      .argument('<session...>', 'ids or evidence folders, in the order in which the work was done')
      .option('--name <name>', 'of the workflow', 'learned')
      .option('--groups <group...>', 'who may run its tasks', ['developers'])
      .option('--json', 'as one line of JSON'),
  ).action(async (names: readonly string[], { name: workflow, groups, json, ...options }: LearnOptions) => {
    const sessions: ObservedSession[] = [];
    const known = new Map<string, CommandShapes>();
    for (const name of names)
      sessions.push(
        await opened(cli, name, options, async ({ session, target, shapes }, frames) => {
          known.set(target, shapes);
          return observe({ id: session, target }, frames, shapes);
        }),
      );
    const text = learn(sessions, { workflow, groups, shapesAt: (target) => known.get(target)! });
    if (json) return printJson(cli, { workflow, text });
    await print(cli, text.trimEnd());
  });
}

interface TestOptions extends ReadingOptions {
  readonly json?: true;
}

export function testCommand(cli: Cli): Command {
  return reading(
    new Command('test')
      .description('what of recorded sessions would leave the contracts of a workflow')
      .argument('<workflow>')
      .argument('<session...>', 'ids or evidence folders')
      .option('--json', 'as one line of JSON'),
  )
    .addHelpText(
      'after',
      '\nWith 3 it ends where a session fits no task; where one does not verify, as custody play does.',
    )
    .action(async (name: string, sessions: readonly string[], { json, ...options }: TestOptions) => {
      const { text } = await getWorkflow(await connectApi(cli), name);
      const workflow = await storedWorkflow(name, text);
      const tested = [];
      for (const session of sessions) tested.push(await best(cli, workflow, session, options));
      if (json) await printJson(cli, { workflow: name, sessions: tested });
      else for (const one of tested) await print(cli, testedLines(one).map(escapeTerminal).join('\n'));
      if (tested.some(({ deviations }) => deviations.length > 0)) cli.exitWith(DEVIATES);
    });
}

type Tested = TestedTask & { readonly session: string };

/** The task that a session fits best. It is read once for each. */
async function best(cli: Cli, workflow: Workflow, name: string, options: ReadingOptions): Promise<Tested> {
  const { target, session } = await opened(cli, name, options, async (of) => of);
  const found: TestedTask[] = [];
  for (const task of tasksAt(workflow, target)) {
    const tested = await opened(cli, name, options, ({ shapes }, frames) =>
      testSession(() => frames, [task], shapes),
    );
    if (tested !== undefined) found.push(tested.best);
  }
  const [first] = found.toSorted(
    (one, other) =>
      one.deviations.length + one.deviationsOmitted - (other.deviations.length + other.deviationsOmitted) ||
      other.fitting - one.fitting,
  );
  if (first !== undefined) return { session, ...first };
  throw new CustodyError('format-invalid', `${workflow.name} has no task at ${target}`, {
    hint: 'its tasks and their targets: custody workflow show',
  });
}

function testedLines({ session, task, fitting, commands, deviations, deviationsOmitted }: Tested): string[] {
  const verdict = deviations.length === 0 ? 'fits' : 'deviates from';
  return [
    `${session} ${verdict} ${task}: ${fitting} of ${commands} commands are of its contract`,
    ...deviations.map(({ seen, expected }) => `  ${seen}; the contract has ${expected}`),
    ...(deviationsOmitted === 0 ? [] : [`  and ${deviationsOmitted} more`]),
  ];
}

/** Rejects where the recording does not verify: nobody learns from what may be somebody else's. */
async function opened<T>(
  cli: Cli,
  name: string,
  options: ReadingOptions,
  use: (of: Opened, frames: AsyncIterable<ReplayFrame>) => Promise<T>,
): Promise<T> {
  const result: { value?: T } = {};
  await withEvidence(cli, name, options, async (evidence) => {
    const { open } = evidence.opening;
    const { protocol, name: target } = open!.target;
    const shapes = await LOAD_SHAPES[protocol as CommandProtocol]();
    result.value = await use({ session: open!.session, target, shapes }, evidence.reading.frames());
    const { verdict } = await evidence.conclude();
    if (verdict === 'failed')
      throw new CustodyError('format-invalid', `the recording ${name} does not verify`, {
        hint: `custody verify says what is wrong with it`,
      });
  });
  return result.value!;
}

function reading(command: Command): Command {
  return command
    .option('--key <file...>', 'trust these signers (PEM) instead of the one pinned at the first login')
    .option('--origin <name>', ORIGIN_HELP)
    .addHelpText('after', VERDICT_HELP);
}
