import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** How a gateway process is started. */
export interface Settings {
  readonly configFile: string;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly loginMs: number;
  readonly drainMs: number;
  /** How long this task may be unheard of before its sessions are taken over. */
  readonly leaseMs: number;
  /** Where people look at requests. */
  readonly apiUrl?: string;
}

/** From the command line. */
export function readSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: 'string' },
      'data-dir': { type: 'string' },
      listen: { type: 'string', default: '127.0.0.1:7432' },
      'login-ms': { type: 'string', default: '10000' },
      'drain-ms': { type: 'string', default: '30000' },
      'lease-ms': { type: 'string', default: '15000' },
      'api-url': { type: 'string' },
    },
  });
  const dataDir = resolve(values['data-dir'] ?? '.custody');
  const { host, port } = parseListen(values.listen);
  return {
    configFile: resolve(values.config ?? join(dataDir, 'custody.yaml')),
    dataDir,
    host,
    port,
    loginMs: Number(values['login-ms']),
    drainMs: Number(values['drain-ms']),
    leaseMs: Number(values['lease-ms']),
    ...(values['api-url'] === undefined ? {} : { apiUrl: values['api-url'] }),
  };
}

function parseListen(listen: string): { host: string; port: number } {
  const colon = listen.lastIndexOf(':');
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(listen.slice(colon + 1)) };
}
