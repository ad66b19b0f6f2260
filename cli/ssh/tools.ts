/** OpenSSH's own programs: what holds a key (a file with a passphrase, an agent, a FIDO authenticator) is theirs to know. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { CustodyError } from '#core/errors.ts';
import type { Cli } from '../cli.ts';
import { failureWords } from '../failure-words.ts';

export type SshTool = 'ssh-keygen' | 'ssh-add';

interface Run {
  readonly input?: string;
  /** It asks on this terminal (a passphrase, a PIN, a touch), and says so there. */
  readonly asks?: true;
}

/** What it prints. Rejects with `precondition-failed` and its own last words where it fails, and with `not-found` where it is not installed. */
export async function runSshTool(
  cli: Cli,
  tool: SshTool,
  args: readonly string[],
  { input, asks }: Run = {},
): Promise<string> {
  const stdin = input === undefined && asks ? 'inherit' : 'pipe';
  const child = spawn(tool, args, { stdio: [stdin, 'pipe', 'pipe'], env: { ...cli.env } });
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', (cause) => reject(cannotRun(tool, cause)));
    child.on('close', (code) => resolve(code ?? 1));
  });
  // One that ends without reading all is heard by its code.
  child.stdin?.on('error', () => undefined).end(input ?? '');
  if (asks) child.stderr!.pipe(cli.stderr, { end: false });
  const [code, out, words] = await Promise.all([ended, text(child.stdout!), text(child.stderr!)]);
  if (code === 0) return out;
  const said = words.trim().split('\n').at(-1) || out.trim() || `it ended with ${code}`;
  throw new CustodyError('precondition-failed', `${tool} failed: ${said}`);
}

function cannotRun(tool: string, cause: NodeJS.ErrnoException): CustodyError {
  const reason = cause.code === 'ENOENT' ? 'it is not installed, or not on PATH' : failureWords(cause);
  return new CustodyError('not-found', `cannot run ${tool}: ${reason}`, {
    hint: 'install OpenSSH (Debian: openssh-client)',
    cause,
  });
}
