import { spawn } from 'node:child_process';

/** Best effort: the address is on the terminal too. */
export function openInBrowser({ href }: URL): void {
  const [command, ...args] = openers[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, href], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

/** No shell reads the address, which has characters that one would take for its own. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};
