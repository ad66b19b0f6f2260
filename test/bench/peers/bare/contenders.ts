/** What node itself takes: the gateway's relay with nothing behind it. Whatever a gateway in node does comes on top. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '#proxy/node-flags.ts';
import type { Contender, Entrant } from '../../contender.ts';
import type { Ground } from '../../ground.ts';
import { atRest } from '../../settled.ts';

const PROGRAM = fileURLToPath(new URL('main.ts', import.meta.url));

export function bareRelays(ground: Ground, target: number): Entrant[] {
  return ['bare-tls', 'bare-tls-write-ahead'].map((name) => ({
    name,
    start: () => startBare(ground, name, target),
  }));
}

async function startBare(ground: Ground, name: string, target: number): Promise<Contender> {
  const port = ground.nextPort();
  const { cert, key } = ground.certificate;
  const file = name.endsWith('write-ahead') ? [join(ground.root, `${name}.journal`)] : [];
  const command = [process.execPath, ...NODE_FLAGS, PROGRAM, `${port}`, `${target}`, cert, key, ...file];
  const { pid } = await ground.serve(port, command as [string, ...string[]]);
  const processes = (): number[] => [pid!];
  return { name, port, sslmode: 'require', password: 'unused', processes, settled: () => atRest(processes) };
}
