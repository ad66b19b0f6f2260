/** What is wrong with workflows across their parts; what a command's text is worth is known once it is compiled. */
import { COMMAND_KEYS, type CommandProtocol } from '../protocols/command-parts.ts';
import type {
  DeclaredCommand,
  DeclaredContract,
  DeclaredTask,
  DeclaredWorkflow,
  Selector,
} from './schema.ts';

export interface WorkflowMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Of the file, as far as workflows look at it. */
interface Around {
  readonly identity: readonly { readonly name: string }[];
  readonly targets: Readonly<Record<string, { readonly protocol: CommandProtocol }>>;
  readonly rules: readonly {
    readonly when?: { readonly task?: readonly string[] | undefined } | undefined;
  }[];
  readonly workflows: Readonly<Record<string, DeclaredWorkflow>>;
}

/** All mistakes, each at its place in the file. */
export function workflowMistakes(file: Around): readonly WorkflowMistake[] {
  const found = Object.entries(file.workflows).flatMap(([name, workflow]) =>
    ofWorkflow(workflow, file).map(({ path, message }) => ({ path: ['workflows', name, ...path], message })),
  );
  return [...found, ...file.rules.flatMap((rule, at) => ofRule(rule.when?.task ?? [], at, file))];
}

function ofRule(tasks: readonly string[], at: number, { workflows }: Around): WorkflowMistake[] {
  return tasks.flatMap((written) => {
    const [workflow, task] = written.split('/') as [string, string];
    const known = Object.hasOwn(workflows, workflow) ? workflows[workflow] : undefined;
    if (known !== undefined && (task === '*' || Object.hasOwn(known.tasks, task))) return [];
    return [
      { path: ['rules', at, 'when', 'task'], message: `there is no task "${written}" under workflows` },
    ];
  });
}

function ofWorkflow(workflow: DeclaredWorkflow, file: Around): WorkflowMistake[] {
  const starters = ofSelectors(workflow.startedBy ?? [], file).map(under('startedBy'));
  const tasks = Object.entries(workflow.tasks).flatMap(([name, task]) =>
    ofTask(name, task, workflow, file).map(under('tasks', name)),
  );
  return [...starters, ...tasks, ...circles(workflow)];
}

function under(...place: (string | number)[]) {
  return ({ path, message }: WorkflowMistake): WorkflowMistake => ({ path: [...place, ...path], message });
}

function ofSelectors(selectors: readonly Selector[], { identity }: Around): WorkflowMistake[] {
  return selectors.flatMap(({ issuer }, at) => {
    if (issuer === undefined || identity.some(({ name }) => name === issuer)) return [];
    return [{ path: [at, 'issuer'], message: `no issuer is named "${issuer}"` }];
  });
}

function ofTask(
  name: string,
  task: DeclaredTask,
  workflow: DeclaredWorkflow,
  file: Around,
): WorkflowMistake[] {
  const found = ofSelectors(task.by, file).map(under('by'));
  for (const [at, before] of task.after.entries())
    if (!Object.hasOwn(workflow.tasks, before) || before === name)
      found.push({ path: ['after', at], message: `there is no other task "${before}" in this workflow` });
  if (!Object.hasOwn(file.targets, task.target))
    return [...found, { path: ['target'], message: `no target is named "${task.target}"` }];
  const { protocol } = file.targets[task.target]!;
  const contract = ofContract(name, task.contract, workflow, protocol).map(under('contract'));
  return [...found, ...contract];
}

function ofContract(
  task: string,
  contract: DeclaredContract,
  workflow: DeclaredWorkflow,
  protocol: CommandProtocol,
): WorkflowMistake[] {
  const { does, inputs, outputs } = contract;
  const names = does.map(({ name }) => name);
  const found = does.flatMap((command, at) => [
    ...ofCommand(command, task, workflow, protocol).map(under('does', at)),
    ...(names.indexOf(command.name) < at
      ? [
          {
            path: ['does', at, 'name'],
            message: `command ${names.indexOf(command.name)} has the name "${command.name}" already`,
          },
        ]
      : []),
  ]);
  for (const [key, parts] of [
    ['inputs', inputs],
    ['outputs', outputs],
  ] as const)
    for (const [name, { of }] of Object.entries(parts))
      if (!names.includes(of))
        found.push({ path: [key, name, 'of'], message: `there is no command "${of}" in this contract` });
  for (const [name, { from, input }] of Object.entries(inputs)) {
    if (from !== undefined) found.push(...ofOrigin(from, task, workflow).map(under('inputs', name, 'from')));
    if (input !== undefined) found.push(...ofRunInput(input, workflow).map(under('inputs', name, 'input')));
  }
  return found;
}

function ofCommand(
  command: DeclaredCommand,
  task: string,
  workflow: DeclaredWorkflow,
  protocol: CommandProtocol,
): WorkflowMistake[] {
  const key = COMMAND_KEYS[protocol];
  const found: WorkflowMistake[] = [];
  if (command[key] === undefined)
    found.push({ path: ['name'], message: `of a task at this target a command has ${key}` });
  for (const other of Object.values(COMMAND_KEYS))
    if (other !== key && command[other] !== undefined)
      found.push({ path: [other], message: `is for another protocol: a command at this target has ${key}` });
  for (const [hole, { from, input, min, max }] of Object.entries(command.values)) {
    if (from !== undefined) found.push(...ofOrigin(from, task, workflow).map(under('values', hole, 'from')));
    if (input !== undefined) found.push(...ofRunInput(input, workflow).map(under('values', hole, 'input')));
    if (typeof min === 'number' && typeof max === 'number' && min > max)
      found.push({ path: ['values', hole, 'max'], message: 'is less than min' });
  }
  return found;
}

function ofRunInput(input: string, { inputs }: DeclaredWorkflow): WorkflowMistake[] {
  return Object.hasOwn(inputs, input) ? [] : [{ path: [], message: `the workflow has no input "${input}"` }];
}

/** What a value comes from has to have ended before: it is of a task that this one comes after. */
function ofOrigin(from: string, task: string, workflow: DeclaredWorkflow): WorkflowMistake[] {
  const [before, output, column] = from.split('.') as [string, string, string?];
  if (!predecessors(task, workflow).has(before))
    return [{ path: [], message: `"${before}" is no task that this one comes after` }];
  const declared = workflow.tasks[before]!.contract.outputs;
  if (!Object.hasOwn(declared, output))
    return [{ path: [], message: `the task ${before} has no output "${output}"` }];
  const { columns, stream } = declared[output]!;
  if (column === undefined)
    return stream === undefined ? [{ path: [], message: 'expected task.output.column' }] : [];
  if (columns?.includes(column) === true) return [];
  return [{ path: [], message: `the output ${before}.${output} has no column "${column}"` }];
}

/** All tasks that must have ended before this one, near and far. */
export function predecessors(task: string, { tasks }: Pick<DeclaredWorkflow, 'tasks'>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...(tasks[task]?.after ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next) || !Object.hasOwn(tasks, next)) continue;
    found.add(next);
    open.push(...tasks[next]!.after);
  }
  return found;
}

function circles(workflow: DeclaredWorkflow): WorkflowMistake[] {
  return Object.keys(workflow.tasks).flatMap((name) =>
    predecessors(name, workflow).has(name)
      ? [{ path: ['tasks', name, 'after'], message: 'these tasks wait for each other' }]
      : [],
  );
}
