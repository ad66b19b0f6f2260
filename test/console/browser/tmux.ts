/** A terminal of somebody else's making (tmux), in which people's programs run: what it shows is what they saw. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '#test/support/clients.ts';

const WAIT_MS = 60_000;
const STILL_LOOKS = 12;

export class Tmux {
  readonly #folder = mkdtempSync(join(tmpdir(), 'custody-tmux-'));
  readonly #env: Readonly<Record<string, string>>;

  /** Runs `command` in a window of this size. */
  constructor(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    { columns, rows }: { readonly columns: number; readonly rows: number },
  ) {
    this.#env = { PATH: process.env['PATH']!, LANG: 'C.UTF-8', TERM: 'xterm-256color', ...env };
    this.#tmux(
      ...['-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows)],
      ...[...command, ';', 'set', '-g', 'status', 'off', ';', 'set', '-g', 'remain-on-exit', 'on'],
    );
  }

  /** Keys as tmux names them: `Enter`, `Escape`; else as they are. */
  keys(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', text);
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Its lines, without what is blank behind them. */
  screen(): string {
    return trimmed(this.#tmux('capture-pane', '-p'));
  }

  /** Once it shows this. */
  async until(text: RegExp): Promise<void> {
    let last = '';
    const shows = (): true | undefined => (text.test((last = this.screen())) ? true : undefined);
    await eventually(`${text} on the terminal`, shows, WAIT_MS).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}, which shows\n${last}`);
    });
  }

  /**
   * Once the program is gone, and its terminal with it. That is asked, and not read: the words "Pane is dead" stay out where tmux (3.3a)
   * does not hear that its child ended, as happens after the window was resized.
   */
  async ended(): Promise<void> {
    const isDead = (): true | undefined =>
      this.#tmux('display-message', '-p', '#{pane_dead}').trim() === '1' ? true : undefined;
    await eventually('the program to end', isDead, WAIT_MS).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}; the terminal shows\n${this.screen()}`);
    });
  }

  /** Once it shows the same again and again, and when that was. */
  async still(): Promise<{ readonly screen: string; readonly at: number }> {
    let last = '';
    let same = 0;
    const isStill = (): true | undefined => {
      const now = this.screen();
      same = now === last ? same + 1 : 0;
      last = now;
      return same > STILL_LOOKS ? true : undefined;
    };
    await eventually('the terminal to be still', isStill, WAIT_MS);
    return { screen: last, at: Date.now() };
  }

  stop(): void {
    try {
      this.#tmux('kill-server');
    } catch {
      // It is over already.
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync('tmux', ['-S', join(this.#folder, 's'), ...args], {
      env: this.#env,
      encoding: 'utf8',
    });
  }
}

export function trimmed(screen: string): string {
  return screen
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd();
}
