/** `npm run build && npm run bench:cold-start`: how long each function's bundle takes to load in a new process, and how large it is. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { functionNames } from '#cdk/function-names.ts';

const ROUNDS = 7;
const NAMES = ['SESSIONS', 'JOURNAL', 'COORDINATION', 'ACCESS', 'RUNS', 'DELIVERIES'];

const environment = {
  ...process.env,
  ...Object.fromEntries(NAMES.map((name) => [`CUSTODY_TABLE_${name}`, 'x'])),
  CUSTODY_BUCKET: 'x',
  CUSTODY_CONFIG_BUCKET: 'x',
  CUSTODY_SIGNING_KEY: 'x',
  CUSTODY_LEDGER_ORIGIN: 'x',
  CUSTODY_GATEWAY_ADDRESS: 'x:1',
  AWS_REGION: 'eu-central-1',
};

/** Milliseconds from `import` to its end. */
function load(file: string): number {
  const script = `const t = performance.now(); await import(${JSON.stringify(file)}); console.log(performance.now() - t); process.exit(0)`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: environment }));
}

const files = new Map(
  functionNames.map((name) => [
    name,
    new URL(`../../dist/lambdas/${name}/index.mjs`, import.meta.url).pathname,
  ]),
);
const times = new Map(functionNames.map((name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, file] of files) times.get(name)!.push(load(file));
}
for (const [name, file] of files) {
  const median = times.get(name)!.toSorted((a, b) => a - b)[ROUNDS >> 1]!;
  const all = globSync(`${dirname(file)}/*`);
  const kilobytes = (bytes: (name: string) => number): number =>
    Math.ceil(all.reduce((sum, name) => sum + bytes(name), 0) / 1024);
  const zipped = kilobytes((name) => gzipSync(readFileSync(name)).byteLength);
  const sizes = `${kilobytes((name) => statSync(name).size)} KB, ${zipped} KB compressed`;
  process.stdout.write(`${name.padEnd(12)} ${median.toFixed(0).padStart(5)} ms  ${sizes}\n`);
}
