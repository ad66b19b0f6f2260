#!/usr/bin/env node
// Parses on older Node too: hands over to the Node that this checkout pins when the machine's own is too old for it.
import { spawn } from 'node:child_process';
import module from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const OLDEST = 24;

if (Number.parseInt(process.versions.node, 10) >= OLDEST) await start();
else handOver();

/** Compiled code is kept in the checkout, where nobody else may write: it halves the time to start. */
async function start() {
  // As the gateway's (fargate-proxy/node-flags.ts).
  for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag);
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/custody', import.meta.url)));
  await import('./main.ts');
}

function handOver() {
  const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  const script = fileURLToPath(import.meta.url);
  let child;
  passSignals((signal) => child?.kill(signal));
  child = spawn(node, [script, ...process.argv.slice(2)], { stdio: 'inherit' });
  child.on('error', () => {
    console.error(`custody: this Node is ${process.versions.node}, and Node ${OLDEST} or later is needed`);
    console.error('hint: run npm ci in the checkout: it brings its own Node');
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

/** A terminal sends Ctrl-C to the whole group, so that the child has it already; without one, pass it on. */
function passSignals(passOn) {
  const isShared = process.stdin.isTTY;
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP']) {
    const fromTerminal = signal === 'SIGINT' || signal === 'SIGQUIT';
    process.on(signal, () => (fromTerminal && isShared ? undefined : passOn(signal)));
  }
}
