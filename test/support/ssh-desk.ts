/** What people do beside a running gateway: devices and approvals, at the desks that the API has, on the gateway's own data. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localAccessStore } from '#adapters/local/access-store.ts';
import { parseConfigFile } from '#adapters/local/config-file.ts';
import { localDevices } from '#adapters/local/devices.ts';
import { localLeafQueue } from '#adapters/local/ledger.ts';
import { currentVerifier } from '#adapters/oidc/current-verifier.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import { Authorization, decide, refusalError } from '#core/access/decide.ts';
import { AccessDesk } from '#core/access/desk.ts';
import { judge } from '#core/access/lifecycle.ts';
import { stateOf } from '#core/access/request.ts';
import { DeviceDesk } from '#core/identity/devices/desk.ts';
import type { Device } from '#core/identity/devices/device.ts';
import { revoke } from '#core/identity/devices/lifecycle.ts';
import { DEVICE_NAMESPACE } from '#core/identity/devices/registration.ts';
import type { Principal } from '#core/identity/principal.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { eventually } from './clients.ts';
import type { SshGateway } from './ssh-gateway.ts';

type Claims = Readonly<Record<string, unknown>>;

/** A key that somebody holds. */
export interface Holding {
  readonly line: string;
  sshsig(message: string, namespace: string): string;
}

/** A key pair of a file's. */
export function keyOfFile(file: string): Holding {
  return {
    line: readFileSync(`${file}.pub`, 'utf8'),
    sshsig: (message, namespace) =>
      execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', file], {
        input: message,
        encoding: 'utf8',
        stdio: 'pipe',
      }),
  };
}

export class SshDesk {
  readonly #gateway: SshGateway;
  readonly #devices: ReturnType<typeof localDevices>;
  readonly #requests: ReturnType<typeof localAccessStore>;
  readonly #leaves: ReturnType<typeof localLeafQueue>;

  constructor(gateway: SshGateway) {
    this.#gateway = gateway;
    this.#devices = localDevices(gateway.dataDir);
    this.#requests = localAccessStore(gateway.dataDir);
    this.#leaves = localLeafQueue(gateway.dataDir);
  }

  /** Registers a key as whoever has these claims. */
  async register(key: Holding, claims: Claims = {}): Promise<Device> {
    const [desk, principal] = [this.#deviceDesk(), await this.#principal(claims)];
    const { challenge } = await desk.challenge(principal, this.#policy.devices);
    const signature = key.sshsig(challenge, DEVICE_NAMESPACE);
    const registration = { name: 'notebook', publicKey: key.line, challenge, signature };
    return desk.register(principal, registration, this.#policy.devices);
  }

  async revoke({ id }: Device, claims: Claims = {}): Promise<void> {
    const principal = await this.#principal(claims);
    await this.#deviceDesk().change(id, (device, at) => revoke(device, principal, undefined, at));
  }

  /** Decides as whoever has these claims about the request that waits; resolves with its id. */
  async decide(verdict: 'approved' | 'denied', claims: Claims): Promise<string> {
    const [policy, principal] = [this.#policy, await this.#principal(claims)];
    const { id } = await eventually('a request to wait', async () => {
      const { requests } = await this.#requests.list({ openAt: now(), limit: 10 });
      const all = await Promise.all(requests.map((one) => this.#requests.get(one.id)));
      return all.find((one) => stateOf(one, now()) === 'pending');
    });
    const desk = new AccessDesk({
      requests: this.#requests,
      leaves: this.#leaves,
      stream: { tell: async () => undefined },
      now,
      newId,
    });
    await desk.change(id, (request, at) => {
      const about = { policy, principal, action: 'approve' as const, target: request.target, request };
      const permission = decide({ ...about, now: at });
      if (!Authorization.isOne(permission)) throw refusalError(permission);
      return judge(request, permission, verdict, undefined, at);
    });
    return id;
  }

  close(): void {
    for (const store of [this.#devices, this.#requests, this.#leaves]) store.close();
  }

  get #policy() {
    return parseConfigFile(join(this.#gateway.dataDir, 'custody.yaml'));
  }

  async #principal(claims: Claims): Promise<Principal> {
    const verifier = currentVerifier(() => this.#policy.issuers, new Keyring())();
    return verifier.verify(await this.#gateway.token(claims));
  }

  #deviceDesk(): DeviceDesk {
    return new DeviceDesk({ devices: this.#devices, leaves: this.#leaves, now });
  }
}

const now = (): Date => new Date();
const newId = (at: Date): string => newSessionId(at.getTime(), randomBytes(10));
