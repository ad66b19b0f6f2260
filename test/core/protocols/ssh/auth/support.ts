import { generateKeyPairSync } from 'node:crypto';
import { AuthClient, type LoginProof } from '#core/protocols/ssh/auth/client.ts';
import { AuthServer, type AuthServerOptions, type AuthServerPort } from '#core/protocols/ssh/auth/server.ts';
import type { CertificateUse } from '#core/protocols/ssh/keys/certificate-check.ts';
import { privateKeyOf, type SshPrivateKey } from '#core/protocols/ssh/keys/private-key.ts';
import type { SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import { sameBytes } from '#core/protocols/ssh/wire.ts';

export const SESSION = new Uint8Array(32).fill(7);
export const USER = 'deploy+web-1';
export const NOW = new Date('2026-11-29T12:00:00Z');

export function newKey(): SshPrivateKey {
  return privateKeyOf(generateKeyPairSync('ed25519').privateKey);
}

export interface Server {
  readonly auth: AuthServer;
  /** What it sent, in order. */
  readonly sent: Uint8Array[];
}

export interface ServerMore extends Partial<AuthServerOptions> {
  readonly devices?: readonly SshPublicKey[];
  readonly use?: Partial<CertificateUse>;
  readonly send?: AuthServerPort['send'];
}

export function newServer({ devices = [], use = {}, send, ...options }: ServerMore = {}): Server {
  const sent: Uint8Array[] = [];
  const auth = new AuthServer(
    { sessionId: SESSION, ...options },
    {
      send: send ?? ((payload) => sent.push(Uint8Array.from(payload))),
      certificates: (user) => ({ kind: 'user', cas: [], principals: [user], now: NOW, ...use }),
      isDevice: async (_user, key) => devices.some((device) => sameBytes(device.blob, key.blob)),
    },
  );
  return { auth, sent };
}

/** Both roles with nothing but messages between them. */
export function pair(proof: LoginProof, more: ServerMore = {}): { client: AuthClient; server: AuthServer } {
  const { auth: server } = newServer({
    ...more,
    send: (payload) => queueMicrotask(() => client.receive(payload)),
  });
  const client = new AuthClient({
    sessionId: SESSION,
    user: USER,
    proof,
    send: (payload) => server.receive(payload),
  });
  return { client, server };
}
