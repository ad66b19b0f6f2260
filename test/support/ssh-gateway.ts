import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseConfigFile } from '#adapters/local/config-file.ts';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { createSignerKey } from '#adapters/local/file-signer.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { createSshCas, userCa } from '#adapters/local/ssh/cas.ts';
import { localHostKeys } from '#adapters/local/ssh/host-keys.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import { type CertificateWish, issueCertificate } from '#core/access/ssh-certificates/issue.ts';
import { hostKeyLines } from '#core/protocols/ssh/host-keys.ts';
import { formatKeyLine, parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { sessionPrefix } from '#core/recording/layout.ts';
import { type RecordedFrame, readFrames } from '#core/recording/read.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { type VerifyReport, verifyEvidence } from '#core/recording/verify/verify.ts';
import { localCertificates } from '#local/setup/certificates.ts';
import { eventually } from './clients.ts';
import { makeKey, signToken, startIssuer, type TestIssuer, type TestKey } from './issuer.ts';
import { freePort, type Sshd, type SshdOptions, startSshd } from './sshd.ts';

const MAIN = fileURLToPath(new URL('../../fargate-proxy/main.ts', import.meta.url));

export interface SshGatewayOptions {
  readonly sshd?: SshdOptions;
  /** More of the target `web`, as YAML in braces without them: `older: [aes-ctr], env: [LANG]`. */
  readonly target?: string;
  /** More of the rule that lets developers in: `ssh: { forward: { local: ["*:*"] } }`. */
  readonly rule?: string;
  /** Whole lines of custody.yaml under `targets:` and under `rules:`, two blanks before each. */
  readonly targets?: (sshd: Sshd) => string;
  readonly rules?: string;
  /** Whole lines at the top level. */
  readonly more?: string;
  readonly args?: readonly string[];
  /** Of node itself. */
  readonly nodeFlags?: readonly string[];
}

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: Buffer | string;
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends it with SIGTERM after so many milliseconds; 30 s where nothing is said. */
  readonly ms?: number;
}

/** A gateway process that speaks SSH, a real sshd behind it as the target `web`, and an issuer of tokens. */
export class SshGateway {
  readonly folder: string;
  readonly dataDir: string;
  readonly port: number;
  readonly postgresPort: number;
  readonly sshd: Sshd;
  readonly issuer: TestIssuer;
  /** What it logged. */
  readonly said: { readonly event: string; readonly [more: string]: unknown }[] = [];
  readonly #key: TestKey;
  readonly #args: readonly string[];
  readonly #nodeFlags: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(parts: {
    readonly folder: string;
    readonly ports: readonly [number, number];
    readonly sshd: Sshd;
    readonly issuer: TestIssuer;
    readonly key: TestKey;
    readonly args: readonly string[];
    readonly nodeFlags: readonly string[];
  }) {
    this.folder = parts.folder;
    this.dataDir = join(parts.folder, 'data');
    [this.port, this.postgresPort] = parts.ports;
    this.sshd = parts.sshd;
    this.issuer = parts.issuer;
    this.#key = parts.key;
    this.#args = parts.args;
    this.#nodeFlags = parts.nodeFlags;
  }

  static async start(options: SshGatewayOptions = {}): Promise<SshGateway> {
    const folder = mkdtempSync(join(tmpdir(), 'custody-ssh-'));
    chmodSync(folder, 0o711);
    const [issuer, key] = [await startIssuer(), await makeKey('key-1')];
    issuer.keys = [key.jwk];
    const sshd = await startSshd(join(folder, 'sshd'), options.sshd);
    const ports = [await freePort(), await freePort()] as const;
    const { args = [], nodeFlags = [] } = options;
    const gateway = new SshGateway({ folder, ports, sshd, issuer, key, args, nodeFlags });
    await gateway.#prepare(options);
    await gateway.run();
    return gateway;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** What `ssh` is given to know the gateway by. */
  get knownHosts(): string {
    return join(this.folder, 'known_hosts');
  }

  /** An ID token of a developer, with these claims on top. */
  token(claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return signToken(this.issuer, this.#key, claims);
  }

  /** A certificate of a developer's for this public key file, beside it as OpenSSH looks for it: `id` has `id-cert.pub`. */
  async certify(
    keyFile: string,
    wish: Omit<CertificateWish, 'key'> = {},
    claims: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const policy = parseConfigFile(join(this.dataDir, 'custody.yaml'));
    const verifier = currentVerifier(() => policy.issuers, new Keyring())();
    const principal = await verifier.verify(await this.token(claims));
    const key = parsePublicKeyLine(readFileSync(`${keyFile}.pub`, 'utf8'));
    const at = { policy, now: new Date(), serial: randomBytes(8).readBigUInt64BE() };
    const made = await issueCertificate({ key, ...wish }, principal, at, userCa(this.dataDir));
    writeFileSync(`${keyFile}-cert.pub`, `${formatKeyLine(made.certificate)}\n`);
  }

  /** Starts the gateway's process; resolves when it listens. */
  run(): Promise<void> {
    const listen = [
      '--processes',
      '1',
      '--listen',
      `127.0.0.1:${this.postgresPort}`,
      '--ssh-port',
      String(this.port),
    ];
    const place = ['--config', join(this.dataDir, 'custody.yaml'), '--data-dir', this.dataDir];
    const child = spawn(process.execPath, [...this.#nodeFlags, MAIN, ...place, ...listen, ...this.#args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    return new Promise((ready, failed) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        const said = lineOf(line);
        this.said.push(said);
        if (said.event === 'listening') ready();
      });
      child.once('close', () => failed(new Error(JSON.stringify(this.said.at(-1)))));
    });
  }

  /** Ends the gateway's process, which may be started again. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const over = new Promise<void>((done) => child.once('close', () => done()));
    child.kill(signal);
    await over;
  }

  /** Ends all there is, and removes the folder. */
  async stop(): Promise<void> {
    await this.end();
    await Promise.all([this.sshd.stop(), this.issuer.close()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The options that ssh, scp and sftp share. `-o PreferredAuthentications=password` with the token by askpass. */
  options(more: readonly string[] = []): string[] {
    // The first one that says something counts.
    return [
      ...more,
      ...['-F', 'none', '-o', `UserKnownHostsFile=${this.knownHosts}`, '-o', 'StrictHostKeyChecking=yes'],
      ...['-o', 'PreferredAuthentications=password', '-o', 'IdentityAgent=none', '-o', 'LogLevel=INFO'],
    ];
  }

  /** `ssh` with a token as the password: `args` are options that come first, then the command. */
  async ssh(
    command: readonly string[],
    {
      user = `${this.sshd.login}+web`,
      options = [],
      token,
      ...run
    }: RunOptions & {
      readonly user?: string;
      readonly options?: readonly string[];
      readonly token?: string;
    } = {},
  ): Promise<Ran> {
    const where = ['-p', String(this.port), '-l', user, '127.0.0.1', ...command];
    return runProgram('ssh', [...this.options(options), ...where], {
      ...run,
      env: { ...(await this.askpass(token)), ...run.env },
    });
  }

  /** An environment in which OpenSSH's clients find the token by themselves. */
  async askpass(token?: string): Promise<Record<string, string>> {
    const script = join(this.folder, 'askpass');
    writeFileSync(script, '#!/bin/sh\nprintf "%s\\n" "$CUSTODY_TEST_TOKEN"\n', { mode: 0o755 });
    return {
      SSH_ASKPASS: script,
      SSH_ASKPASS_REQUIRE: 'force',
      CUSTODY_TEST_TOKEN: token ?? (await this.token()),
    };
  }

  /** Oldest first. */
  async sessions(): Promise<readonly SessionRecord[]> {
    const index = openSessionIndex(join(this.dataDir, 'index.sqlite'));
    const { sessions } = await index.list({ limit: 1000 });
    index.close();
    return sessions.toReversed();
  }

  /** The newest session, once it has ended; `after`: how many there were before it. */
  lastSession(after = 0): Promise<SessionRecord> {
    return eventually('a session to end', async () => {
      const all = await this.sessions();
      const newest = all.at(-1);
      return all.length > after && newest?.outcome !== undefined ? newest : undefined;
    });
  }

  async frames(session: string): Promise<readonly RecordedFrame[]> {
    const store = directoryStore(join(this.dataDir, 'store'));
    const names = (await store.list(sessionPrefix(session))).filter((name) => name.endsWith('.seg'));
    const frames: RecordedFrame[] = [];
    for (const name of names) frames.push(...readFrames(await store.get(sessionPrefix(session) + name)));
    return frames;
  }

  /** The messages of one stream of a recording. */
  async messages(session: string, stream: RecordedFrame['stream']): Promise<readonly Buffer[]> {
    const frames = (await this.frames(session)).filter((frame) => frame.stream === stream);
    return messagesIn(Buffer.concat(frames.map(({ payload }) => payload)));
  }

  /** The notes of a recording. */
  async notes(session: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const frames = (await this.frames(session)).filter(({ stream }) => stream === 'note');
    return frames.map(({ payload }) => JSON.parse(Buffer.from(payload).toString('utf8')) as never);
  }

  verify(session: string): Promise<VerifyReport> {
    const store = directoryStore(join(this.dataDir, 'store'));
    const pem = readFileSync(join(this.dataDir, 'signer.pem'));
    const trusted = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    const prefix = sessionPrefix(session);
    return verifyEvidence(
      {
        list: async () => [...(await store.list(prefix)), 'signer.pem'],
        get: async (name: string) => (name === 'signer.pem' ? pem : store.get(prefix + name)),
      },
      { trustedSigners: [trusted], session },
    );
  }

  async #prepare(options: SshGatewayOptions): Promise<void> {
    mkdirSync(this.dataDir, { mode: 0o700 });
    createSignerKey(this.dataDir);
    createSshCas(this.dataDir);
    await localCertificates(join(this.dataDir, 'tls'), new Date());
    this.writeConfig(options);
    const lines = hostKeyLines(await localHostKeys(this.dataDir).load());
    writeFileSync(this.knownHosts, lines.map((line) => `[127.0.0.1]:${this.port} ${line}\n`).join(''));
  }

  /** custody.yaml anew; a running gateway takes it within seconds. */
  writeConfig({ target = '', rule = '', targets, rules = '', more = '' }: SshGatewayOptions): void {
    const { port, login, keyFile, hostKey } = this.sshd;
    const also = (part: string): string => (part === '' ? '' : `, ${part}`);
    const known = /hostKeys|hostCa/.test(target) ? '' : `, hostKeys: ["${hostKey}"]`;
    const logins = /logins:/.test(target) ? '' : `, logins: { ${login}: { keyFile: "${keyFile}" } }`;
    writeFileSync(
      join(this.dataDir, 'custody.yaml'),
      `version: 1
identity: [{ issuer: "${this.issuer.url}", audience: custody, groupsClaim: groups }]
targets:
  web: { protocol: ssh, address: "127.0.0.1:${port}"${known}${logins}${also(target)} }
${targets?.(this.sshd) ?? ''}
rules:
  - { name: developers-work, groups: [developers], targets: ["*"], allow: [connect]${also(rule)} }
${rules}
${more}
`,
    );
  }
}

/** A program to its end. */
export function runProgram(
  program: string,
  args: readonly string[],
  { input = '', env = {}, ms = 30_000 }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const tooLong = setTimeout(() => child.kill('SIGTERM'), ms);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(tooLong);
      const said = Buffer.concat(stderr).toString('utf8');
      resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: said });
    });
  });
}

/** Of a stream of a recording: `uint32 length ‖ payload`, one after the other. */
export function messagesIn(stream: Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(stream);
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

function lineOf(line: string): { readonly event: string; readonly [more: string]: unknown } {
  try {
    return JSON.parse(line) as { event: string };
  } catch {
    return { event: 'not JSON', message: line };
  }
}
