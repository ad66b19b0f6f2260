import { commandWords } from '#core/protocols/ssh/files/command-words.ts';
import type { ShownGit } from './file-step.ts';

export interface GitCommand {
  readonly operation: ShownGit['operation'];
  readonly repository: string;
}

const OPERATIONS: ReadonlyMap<string, ShownGit['operation']> = new Map([
  ['upload-pack', 'fetch'],
  ['receive-pack', 'push'],
  ['upload-archive', 'archive'],
]);

/** `git-upload-pack '/repository'`, or as two words; `undefined` for what is not plainly that. */
export function gitCommand(command: string): GitCommand | undefined {
  const [first, ...rest] = commandWords(command)?.map(({ text }) => text) ?? [];
  const program = first?.split('/').at(-1);
  const [name, args] = program === 'git' ? [rest[0], rest.slice(1)] : [program?.replace(/^git-/, ''), rest];
  const operation = program?.startsWith('git') ? OPERATIONS.get(name ?? '') : undefined;
  const repositories = args.filter((word) => !word.startsWith('-'));
  if (operation === undefined || repositories.length !== 1) return undefined;
  return { operation, repository: repositories[0]! };
}
