#!/usr/bin/env node
// Parses on older Node too: hands over to the Node that was installed beside it when the machine's own is too old for it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const OLDEST = 24;
const HANDED_OVER = 'CUSTODY_HANDED_OVER';
/** What npm brought: to a checkout, or beside the package. */
const NODES = ['../node_modules/.bin/node', '../../.bin/node'];

if (Number.parseInt(process.versions.node, 10) >= OLDEST) await start();
else handOver();

/** Compiled code is kept beside the program, where nobody else may write: it halves the time to start. */
async function start() {
  delete process.env[HANDED_OVER];
  // As the gateway's (fargate-proxy/node-flags.ts).
  for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag);
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/custody', import.meta.url)));
  await import('./main.ts');
}

function handOver() {
  const node = NODES.map((path) => fileURLToPath(new URL(path, import.meta.url))).find(existsSync);
  // What was found may be an old one as well.
  if (node === undefined || process.env[HANDED_OVER] !== undefined) return refuse();
  const script = fileURLToPath(import.meta.url);
  let child;
  passSignals((signal) => child?.kill(signal));
  const env = { ...process.env, [HANDED_OVER]: '1' };
  child = spawn(node, [script, ...process.argv.slice(2)], { stdio: 'inherit', env });
  child.on('error', refuse);
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

function refuse() {
  console.error(`custody: this Node is ${process.versions.node}, and Node ${OLDEST} or later is needed`);
  console.error(
    `hint: install it from https://nodejs.org; on Linux npm ci brings it to a checkout, and beside the package npm i node-linux-${process.arch}@${OLDEST}`,
  );
  process.exitCode = 1;
}

/** A terminal sends Ctrl-C to the whole group, so that the child has it already; without one, pass it on. */
function passSignals(passOn) {
  const isShared = process.stdin.isTTY;
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP']) {
    const fromTerminal = signal === 'SIGINT' || signal === 'SIGQUIT';
    process.on(signal, () => (fromTerminal && isShared ? undefined : passOn(signal)));
  }
}
