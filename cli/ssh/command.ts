/** Which of ssh's own programs is run, and what it is told: ssh_config by `-F`, and the host where none is named. */
import { basename } from 'node:path';

interface Program {
  /** Its options that take a value (getopt's string, from its manual). */
  readonly valued: string;
  /** Whether its first operand may be missing, or be something else than a host. */
  readonly host: 'first-operand' | 'in-operands';
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  ssh: { valued: 'BbcDEeFIiJLlmOoPpQRSWw', host: 'first-operand' },
  sftp: { valued: 'BbcDFiJloPRSsX', host: 'first-operand' },
  scp: { valued: 'cDFiJloPSX', host: 'in-operands' },
  'ssh-copy-id': { valued: 'iFopt', host: 'in-operands' },
};

/** The command with what it needs; as it was where it is another program, or was told an ssh_config itself. */
export function withConfig(
  command: readonly string[],
  config: string,
  target: string,
  known: readonly string[],
): readonly string[] {
  const [file = '', ...args] = command;
  const program = PROGRAMS[basename(file).replace(/\.exe$/i, '')];
  if (program === undefined) return command;
  const { operand, hasConfig } = readOptions(args, program.valued);
  const withHost =
    program.host === 'first-operand' && !isHost(args[operand], known)
      ? [...args.slice(0, operand), target, ...args.slice(operand)]
      : args;
  return hasConfig ? [file, ...withHost] : [file, '-F', config, ...withHost];
}

/**
 * Where the first operand is. ssh stops at it and takes the rest for the command; a "--" before it goes with the options.
 * `-Q`, `-G` and `-V` change nothing in that.
 */
function readOptions(args: readonly string[], valued: string) {
  let [at, hasConfig] = [0, false];
  for (; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '--') return { operand: at + 1, hasConfig };
    if (!arg.startsWith('-') || arg === '-') break;
    const letter = arg
      .slice(1)
      .split('')
      .findIndex((option) => valued.includes(option));
    if (letter < 0) continue;
    if (arg[letter + 1] === 'F') hasConfig = true;
    if (letter + 2 === arg.length) at++;
  }
  return { operand: Math.min(at, args.length), hasConfig };
}

/** `web-1`, `deploy+web-1`, `somebody@web-1`, `web-1:path` and `ssh://web-1/` are hosts of ours; all else is a command for the target. */
function isHost(operand: string | undefined, known: readonly string[]): boolean {
  if (operand === undefined) return false;
  const name = operand
    .replace(/^(?:ssh|sftp):\/\//, '')
    .replace(/^[^@\s]*@/, '')
    .replace(/[:/].*$/s, '');
  return known.includes(name);
}
