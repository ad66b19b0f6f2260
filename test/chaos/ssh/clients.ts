import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { DurabilityMode } from '#core/recording/format.ts';
import type { Sent } from '../oracle.ts';
import type { Seeded } from '../seed.ts';
import type { SshTarget } from './target.ts';

const ERROR_WAIT_MS = 50;
const GOODBYE_MS = 2_000;

type Ssh = ChildProcessByStdio<Writable, Readable, null>;

/** Real `ssh`: writes numbered lines to a program at the target, several before it waits, until it is stopped. */
export class SshChaosClient {
  readonly sent: Sent[] = [];
  readonly #target: SshTarget;
  readonly #mode: DurabilityMode;
  readonly #name: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #random: Seeded;
  readonly #heard = Promise.withResolvers<void>();
  #sessions = 0;
  #stopped = false;
  #done: Promise<void> = Promise.resolve();

  constructor(target: SshTarget, mode: DurabilityMode, name: string, token: string, random: Seeded) {
    this.#target = target;
    this.#mode = mode;
    this.#name = name;
    this.#environment = environment(target, token);
    this.#random = random;
  }

  /** Resolves with the first answer: from then on there is something that can be lost. */
  get heard(): Promise<void> {
    return this.#heard.promise;
  }

  start(): void {
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#session().catch(() => new Promise((done) => setTimeout(done, ERROR_WAIT_MS)));
    }
  }

  async #session(): Promise<void> {
    this.#sessions += 1;
    const ssh: Ssh = spawn('ssh', args(this.#target, this.#mode), {
      env: this.#environment,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    ssh.stdin.on('error', () => undefined);
    const over = new Promise<void>((done) => ssh.once('close', () => done()));
    const lost = over.then(() => Promise.reject(new Error('ssh ended')));
    lost.catch(() => undefined);
    const answers = answersOf(ssh);
    // Sessions of many lengths, so that openings and seals meet the faults too.
    const bursts = this.#random.between(1, 60);
    try {
      for (let n = 0; n < bursts && !this.#stopped; n += 1)
        await Promise.race([this.#burst(ssh, answers), lost]);
    } finally {
      ssh.stdin.end();
      const impatience = setTimeout(() => ssh.kill('SIGKILL'), GOODBYE_MS);
      await over;
      clearTimeout(impatience);
    }
  }

  async #burst(ssh: Ssh, answers: Answers): Promise<void> {
    const lines = Array.from({ length: this.#random.between(1, 8) }, () => this.#line());
    for (const sent of lines) {
      ssh.stdin.write(`${sent.tag}\n`);
    }
    await Promise.all(
      lines.map(async (sent) => {
        await answers.to(sent.tag);
        sent.ackedAt = Date.now();
        this.#heard.resolve();
      }),
    );
  }

  #line(): Sent {
    const sent: Sent = {
      tag: `${this.#name}-s${this.#sessions}-${this.sent.length}.`,
      mode: this.#mode,
      sentAt: Date.now(),
      ackedAt: undefined,
    };
    this.sent.push(sent);
    return sent;
  }
}

interface Answers {
  /** Resolves once the target says that it got the line. */
  to(line: string): Promise<void>;
}

function answersOf(ssh: Ssh): Answers {
  const waiting = new Map<string, () => void>();
  createInterface(ssh.stdout).on('line', (line) => waiting.get(line)?.());
  return { to: (line) => new Promise((done) => waiting.set(`got ${line}`, done)) };
}

function args({ port, login, knownHosts, command }: SshTarget, mode: DurabilityMode): string[] {
  const options = [
    `UserKnownHostsFile=${knownHosts}`,
    'StrictHostKeyChecking=yes',
    'PreferredAuthentications=password',
    'NumberOfPasswordPrompts=1',
    'IdentityAgent=none',
    'ConnectTimeout=5',
  ].flatMap((option) => ['-o', option]);
  const where = ['-p', String(port), '-l', `${login}+ssh-${mode}`, '127.0.0.1'];
  return ['-F', 'none', ...options, ...where, command];
}

function environment({ knownHosts }: SshTarget, token: string): NodeJS.ProcessEnv {
  const askpass = `${knownHosts}.askpass`;
  writeFileSync(askpass, '#!/bin/sh\nprintf "%s\\n" "$CHAOS_TOKEN"\n', { mode: 0o755 });
  return { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', CHAOS_TOKEN: token };
}
