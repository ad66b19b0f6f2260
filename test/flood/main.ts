/**
 * `npm run flood [-- --ms 30000 --limits 300,1024]`: silent peers, port probes, half TLS handshakes, garbage and peers that
 * go on sending though they were refused, each against a gateway with so many open files. Bounded in time and number,
 * loopback only; says figures, and exits 1 when anybody else suffered.
 */
import { parseArgs } from 'node:util';
import { startLocalGateway } from '#test/support/local-gateway.ts';
import { attackKinds } from './attack.ts';
import { type Flooded, flood } from './stand.ts';

const SESSIONS = 10;
const ADDRESSES = [1, 200];

const { values } = parseArgs({
  options: {
    ms: { type: 'string', default: '30000' },
    limits: { type: 'string', default: '300,1024' },
    kinds: { type: 'string', default: attackKinds.join() },
  },
});
const kinds = attackKinds.filter((kind) => values.kinds.split(',').includes(kind));
const local = await startLocalGateway();
try {
  for (const limit of values.limits.split(',').map(Number)) {
    for (const kind of kinds) {
      for (const addresses of ADDRESSES) {
        const plan = { kind, limit, ms: Number(values.ms), addresses, sessions: SESSIONS };
        tell(`${limit} files, ${kind}, ${addresses} address(es)`, await flood(local, plan));
      }
    }
  }
} finally {
  await local.stop();
}

function tell(what: string, { failed, broken, unsealed, faults, ...figures }: Flooded): void {
  process.stdout.write(`${what}: ${JSON.stringify({ ...figures, failed: failed.length })}\n`);
  const wrong = [...new Set([...failed, ...broken, ...unsealed, ...faults])];
  for (const line of wrong.slice(0, 10)) process.stdout.write(`  WRONG: ${line}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}
