import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { createSignerKey } from '#adapters/local/file-signer.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { sessionPrefix } from '#core/recording/layout.ts';
import { type RecordedFrame, readFrames } from '#core/recording/read.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { type VerifyReport, verifyEvidence } from '#core/recording/verify/verify.ts';
import { localCertificates } from '#local/setup/certificates.ts';
import { eventually } from '#test/support/clients.ts';
import { makeKey, signToken, startIssuer, type TestIssuer, type TestKey } from '#test/support/issuer.ts';
import { freePort } from '#test/support/moto.ts';
import type { ApiCredentials } from './api.ts';
import type { KubernetesBed } from './bed.ts';
import { configText, type GatewayOptions } from './gateway-config.ts';
import { type RecordedCall, recordedCalls } from './recorded-calls.ts';
import { root } from './tools.ts';

interface Said {
  readonly event: string;
  readonly [more: string]: unknown;
}

interface Parts {
  readonly bed: KubernetesBed;
  readonly folder: string;
  readonly ports: readonly [postgres: number, kubernetes: number];
  readonly issuer: TestIssuer;
  readonly key: TestKey;
  readonly args: readonly string[];
  readonly nodeFlags: readonly string[];
}

/** A gateway process that speaks Kubernetes, a bed behind it as the target `cluster`, and an issuer of tokens. */
export class KubernetesGateway {
  readonly bed: KubernetesBed;
  readonly dataDir: string;
  readonly port: number;
  /** Of the gateway's own certificate; PEM. */
  readonly ca: string;
  readonly issuer: TestIssuer;
  /** What it logged. */
  readonly said: Said[] = [];
  readonly #parts: Parts;
  #child: ChildProcess | undefined;

  private constructor(parts: Parts, ca: string) {
    this.#parts = parts;
    this.bed = parts.bed;
    this.dataDir = parts.folder;
    this.port = parts.ports[1];
    this.ca = ca;
    this.issuer = parts.issuer;
  }

  static async start(bed: KubernetesBed, options: GatewayOptions = {}): Promise<KubernetesGateway> {
    const folder = mkdtempSync(join(tmpdir(), 'custody-kubernetes-gateway-'));
    const [issuer, key] = [await startIssuer(), await makeKey('key-1')];
    issuer.keys = [key.jwk];
    createSignerKey(folder);
    const { ca } = await localCertificates(join(folder, 'tls'), new Date());
    const ports = [await freePort(), await freePort()] as const;
    const { args = ['--drain-ms', '500'], nodeFlags = [] } = options;
    const parts = { bed, folder, ports, issuer, key, args, nodeFlags };
    const gateway = new KubernetesGateway(parts, readFileSync(ca, 'utf8'));
    gateway.writeConfig(options);
    await gateway.run();
    return gateway;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** The cluster's API as clients are told: `/clusters/cluster`. */
  get url(): string {
    return `https://127.0.0.1:${this.port}/clusters/cluster`;
  }

  /** An ID token of a developer, with these claims on top. */
  async token(claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const usual = { email: 'dana@example.com', email_verified: true };
    return signToken(this.issuer, this.#parts.key, { ...usual, ...claims });
  }

  /** A kubeconfig with a token in it; its path. Another token is another session. */
  async kubeconfig(claims: Readonly<Record<string, unknown>> = {}, more = ''): Promise<string> {
    const token = await this.token(claims);
    return this.bed.writeKubeconfig({ server: `${this.url}${more}`, ca: this.ca, token });
  }

  /** For plain requests; paths begin with the cluster's: `gateway.path('/api/v1/pods')`. */
  async credentials(claims: Readonly<Record<string, unknown>> = {}): Promise<ApiCredentials> {
    return { url: `https://127.0.0.1:${this.port}`, ca: this.ca, token: await this.token(claims) };
  }

  path(path: string): string {
    return `/clusters/cluster${path}`;
  }

  /** Starts the gateway's process; resolves when it listens. */
  async run(): Promise<void> {
    const [postgres, kubernetes] = this.#parts.ports;
    const listen = [
      '--processes',
      '1',
      '--listen',
      `127.0.0.1:${postgres}`,
      '--kubernetes-port',
      String(kubernetes),
    ];
    const place = ['--config', join(this.dataDir, 'custody.yaml'), '--data-dir', this.dataDir];
    const main = root('fargate-proxy/main.ts');
    const { args, nodeFlags } = this.#parts;
    const child = spawn(process.execPath, [...nodeFlags, main, ...place, ...listen, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    return new Promise((ready, failed) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        const said = saidBy(line);
        this.said.push(said);
        if (said.event === 'listening') ready();
      });
      child.once('close', () => failed(new Error(JSON.stringify(this.said.at(-1)))));
    });
  }

  /** Ends the gateway's process, which may be started again. Ending well ends and seals its sessions. */
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
    await this.issuer.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** custody.yaml anew; a running gateway takes it within seconds. */
  writeConfig(options: GatewayOptions): void {
    writeFileSync(join(this.dataDir, 'custody.yaml'), configText(this.bed, this.issuer.url, options));
  }

  /** Oldest first. */
  async sessions(): Promise<readonly SessionRecord[]> {
    const index = openSessionIndex(join(this.dataDir, 'index.sqlite'));
    const { sessions } = await index.list({ limit: 1000 });
    index.close();
    return sessions.toReversed();
  }

  /** The newest session of a person, once it has ended. */
  async sessionOf(email: string): Promise<SessionRecord> {
    const isTheirs = (session: SessionRecord) => JSON.stringify(session).includes(email);
    return eventually(`a session of ${email} to end`, async () =>
      (await this.sessions()).findLast((session) => session.outcome !== undefined && isTheirs(session)),
    );
  }

  async frames(session: string): Promise<readonly RecordedFrame[]> {
    const store = directoryStore(join(this.dataDir, 'store'));
    const names = (await store.list(sessionPrefix(session))).filter((name) => name.endsWith('.seg'));
    const frames: RecordedFrame[] = [];
    for (const name of names) frames.push(...readFrames(await store.get(sessionPrefix(session) + name)));
    return frames;
  }

  /** What the tape has of each call, in their order. */
  async calls(session: string): Promise<readonly RecordedCall[]> {
    return recordedCalls(await this.frames(session));
  }

  /** The notes of a recording. */
  async notes(session: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const frames = (await this.frames(session)).filter(({ stream }) => stream === 'note');
    return frames.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as never);
  }

  async verify(session: string): Promise<VerifyReport> {
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
}

function saidBy(line: string): Said {
  try {
    return JSON.parse(line) as Said;
  } catch {
    return { event: 'not JSON', message: line };
  }
}
