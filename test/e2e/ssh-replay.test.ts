/** What a real shell, ssh, sftp and forwards leave behind, as a person reads it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sshReader } from '#core/replay/ssh/reader.ts';
import type { SshStep } from '#core/replay/ssh/step.ts';
import { asyncOf } from '#test/core/replay/ssh/support.ts';
import { SshGateway } from '#test/support/ssh-gateway.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

/** A line as it stands, or whatever else tells that it is time to type. */
type Prompt = RegExp | ((shown: string) => boolean);

/** Readline has the terminal once it has asked for pastes to be marked. */
const takesLines = (shown: string): boolean => (shown.split('^C')[1] ?? '').includes('\x1b[?2004h');
/** Ctrl-L clears the screen first. */
const isDrawnAnew = (shown: string): boolean => shown.includes('\x1b[2J') && shown.endsWith('ready> ');

function isSeen(prompt: Prompt, shown: string): boolean {
  return typeof prompt === 'function' ? prompt(shown) : prompt.test(lineOf(shown));
}

/** A terminal that hangs says what it shows, within the time of a test. */
const TYPING_MS = 40_000;

/** The line a terminal is on, without what only moves or colours. */
function lineOf(shown: string): string {
  return stripVTControlCharacters(shown)
    .split(/[\r\n]/)
    .at(-1)!;
}

describe.runIf(hasOpenSsh())('a recorded SSH session', () => {
  let gateway: SshGateway;
  beforeAll(async () => {
    gateway = await SshGateway.start();
  });
  afterAll(() => gateway?.stop());

  async function stepsAfter(run: () => Promise<unknown>): Promise<SshStep[]> {
    const before = (await gateway.sessions()).length;
    await run();
    const { id } = await gateway.lastSession(before);
    const steps: SshStep[] = [];
    for await (const read of sshReader.steps(asyncOf(await gateway.frames(id)), 'whole', () => undefined)) {
      expect(sshReader.shape.safeParse(read.toJson()).error).toBeUndefined();
      steps.push(read.step as SshStep);
    }
    expect(steps.filter(({ kind }) => kind === 'damaged')).toEqual([]);
    return steps;
  }

  /**
   * `ssh -tt`, and a person who types once the line they are on is what they wait for. A whole line, since an
   * echo of what was typed may stop anywhere: what is typed before `read` has the terminal is never its line.
   */
  async function typeInto(
    command: readonly string[],
    typed: readonly (readonly [prompt: Prompt, text: string])[],
  ): Promise<void> {
    const where = ['-p', String(gateway.port), '-l', `${gateway.sshd.login}+web`, '127.0.0.1'];
    const env = { ...process.env, ...(await gateway.askpass()), TERM: 'xterm' };
    const child = spawn('ssh', [...gateway.options(['-tt']), ...where, ...command], { env, stdio: 'pipe' });
    const over = once(child, 'exit');
    let shown = '';
    let all = '';
    const left = [...typed];
    const take = (bytes: Buffer): void => {
      all += bytes.toString();
      shown += bytes.toString();
      if (left[0] === undefined || !isSeen(left[0][0], shown)) return;
      shown = '';
      child.stdin.write(left.shift()![1]);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', (bytes: Buffer) => (all += bytes.toString()));
    const tooLong = setTimeout(() => child.kill('SIGTERM'), TYPING_MS);
    await over;
    clearTimeout(tooLong);
    if (left.length > 0) throw new Error(`waited for ${String(left[0]![0])}, shown: ${JSON.stringify(all)}`);
  }

  it('of a command has its login, its data and its status', async () => {
    const steps = await stepsAfter(() =>
      gateway.ssh(['cat; echo oops >&2; exit 3'], { input: 'some input' }),
    );
    expect(steps.map(({ kind }) => kind)).toEqual(['login', 'exec', 'end']);
    expect(steps[0]?.login).toMatchObject({ accepted: true });
    expect(steps[0]?.login?.methods.at(-1)).toBe('password');
    expect(steps[1]).toMatchObject({
      outcome: 'failed',
      program: {
        exitStatus: 3,
        input: { sample: { text: 'some input' } },
        output: { sample: { text: 'some input' } },
        errors: { sample: { text: 'oops\n' } },
      },
    });
  });

  it('of a shell in a terminal has the lines that were typed, and no password that was not shown', async () => {
    const typed: readonly (readonly [prompt: Prompt, text: string])[] = [
      [/^bash\S*[#$] $/, "PS1='ready> '\r"],
      [/^ready> $/, 'read -s -p "Password: " x && echo\r'],
      [/^Password: $/, 'hunter2\r'],
      [/^ready> $/, 'echo given-up\x03'],
      // Of some two thousand interrupts bash shows its prompt after all but one, without a gateway too: it is asked to draw it.
      [takesLines, '\x0c'],
      [isDrawnAnew, 'printf "%s" th\x7fwo\r'],
      [/^twoready> $/, '\x12Pass\r'],
      [/^Password: $/, 'again\r'],
      [/^ready> $/, '\x1b[200~echo a\necho b\x1b[201~\r'],
      [/^ready> $/, 'exit 4\r'],
    ];
    const steps = await stepsAfter(() => typeInto(['bash --norc --noprofile -i'], typed));
    const shell = steps.find(({ kind }) => kind === 'exec');
    expect(shell).toMatchObject({ outcome: 'failed', program: { exitStatus: 4 } });
    expect(shell?.program?.pty).toBeDefined();
    const found = steps.filter(({ kind }) => kind === 'command').map(({ command }) => command?.text);
    expect(found).toEqual([
      "PS1='ready> '",
      'read -s -p "Password: " x && echo',
      'printf "%s" two',
      'read -s -p "Password: " x && echo',
      'echo a\necho b',
      'exit 4',
    ]);
    expect(steps.every(({ kind, heuristic }) => kind !== 'command' || heuristic === true)).toBe(true);
  });
});
