import { escapeTerminal } from '../../text.ts';
import type { ShownFile, ShownGit } from './file-step.ts';

/** Lines for a terminal, the first of them the headline. */
export function fileLines(file: ShownFile): string[] {
  const { by, operation, path, newPath, direction, size, transferred, sha256, whole, mode, error } = file;
  const to = newPath === undefined ? '' : ` to ${escapeTerminal(newPath.text)}`;
  const facts = [
    direction,
    size !== undefined && `${size} bytes`,
    transferred !== undefined && transferred !== size && `${transferred} bytes transferred`,
    whole === false && 'not the whole file',
    mode !== undefined && `mode ${mode.toString(8)}`,
    sha256 !== undefined && `sha256 ${sha256}`,
  ].filter(Boolean);
  const more = facts.length === 0 ? [] : [facts.join(', ')];
  const errors = error === undefined ? [] : [`the target said: ${escapeTerminal(error.text)}`];
  return [`${by} ${escapeTerminal(operation)} ${escapeTerminal(path.text)}${to}`, ...more, ...errors];
}

export function gitLines({ operation, repository, refs }: ShownGit): string[] {
  const lines = refs.map(({ name, from, to, status }) => {
    const change = [from, to].filter((id) => id !== undefined).join(' -> ');
    const said = status === undefined ? '' : `: ${escapeTerminal(status.text)}`;
    return `${escapeTerminal(name.text)} ${escapeTerminal(change)}${said}`.trimEnd();
  });
  return [`git ${operation} of ${escapeTerminal(repository.text)}`, ...lines];
}
