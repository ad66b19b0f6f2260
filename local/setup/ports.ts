import { createServer } from 'node:net';
import { CustodyError } from '#core/errors.ts';
import type { LocalSettings } from './settings.ts';

const WHAT = {
  issuer: 'the demo identity provider',
  api: 'the API',
  gateway: 'the gateway',
  database: 'the demo PostgreSQL',
  ssh: 'the gateway (SSH)',
  sshTarget: 'the demo SSH server',
  kubernetes: 'the gateway (Kubernetes)',
} as const;

/** Throws `config-invalid` when something else listens on a port that is needed, before anything is started. */
export async function refuseTakenPorts({
  ports,
  kubeconfig,
}: Pick<LocalSettings, 'ports' | 'kubeconfig'>): Promise<void> {
  for (const name of ['issuer', 'api', 'gateway', 'database', 'ssh', 'sshTarget'] as const)
    await refuseTaken(name, ports[name]);
  if (kubeconfig !== undefined) await refuseTaken('kubernetes', ports.kubernetes);
}

function refuseTaken(name: keyof typeof WHAT, port: number): Promise<void> {
  return new Promise((free, taken) => {
    const server = createServer();
    server.once('error', (cause: NodeJS.ErrnoException) => taken(cannotListen(name, port, cause)));
    server.listen(port, '127.0.0.1', () => server.close(() => free()));
  });
}

function cannotListen(name: keyof typeof WHAT, port: number, cause: NodeJS.ErrnoException): CustodyError {
  const why = cause.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${cause.code})`;
  return new CustodyError('config-invalid', `port ${port}, for ${WHAT[name]}, ${why}`, {
    hint: 'stop what uses it, or choose other ports with --port-base',
    cause,
  });
}
