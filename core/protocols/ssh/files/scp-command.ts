import { type CommandWord, commandWords } from './command-words.ts';

/** What runs at the target for `scp -O`. */
export interface ScpCommand {
  /** Of the target: `-t` takes files, `-f` gives them. */
  readonly role: 'sink' | 'source';
  readonly recursive: boolean;
  readonly times: boolean;
  /** The sink's path has to be a directory. */
  readonly directory: boolean;
  readonly paths: readonly CommandWord[];
}

const PROGRAM = /^(?:\/usr)?(?:\/bin\/)?scp$/;
const LETTERS = /^-[rpdvqtf]+$/;

/** `undefined` for what is not plainly scp in one of its two roles. */
export function scpCommand(command: string): ScpCommand | undefined {
  const words = commandWords(command);
  const [program, ...rest] = words ?? [];
  if (program === undefined || program.expands || !PROGRAM.test(program.text)) return undefined;
  const flags = new Set<string>();
  let at = 0;
  for (; at < rest.length && rest[at]!.text.startsWith('-'); at += 1) {
    const { text, expands } = rest[at]!;
    if (text === '--') break;
    if (expands || !LETTERS.test(text)) return undefined;
    for (const letter of text.slice(1)) flags.add(letter);
  }
  const paths = rest.slice(rest[at]?.text === '--' ? at + 1 : at);
  const role = flags.has('t') ? 'sink' : 'source';
  if (flags.has('t') === flags.has('f') || !arePaths(paths, role)) return undefined;
  return {
    role,
    recursive: flags.has('r'),
    times: flags.has('p'),
    directory: flags.has('d'),
    paths,
  };
}

/** What begins with a hyphen, or with what a shell may put one in place of, can be an option. */
function arePaths(paths: readonly CommandWord[], role: ScpCommand['role']): boolean {
  const plain = paths.every(
    ({ text, expands }) => text !== '' && !text.startsWith('-') && !(expands && /^[*?[]/.test(text)),
  );
  return plain && (role === 'sink' ? paths.length === 1 : paths.length > 0);
}
