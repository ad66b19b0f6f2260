import { readFile } from 'node:fs/promises';
import { type Conversing, DeadPeers } from './dead-peers.ts';
import { unanswered } from './wire/unanswered.ts';

const LOOK_EVERY_MS = 5_000;
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** Looks every five seconds while there are sessions. Where the kernel is no Linux, it sees nothing. */
export function watchForDeadPeers(sessions: () => ReadonlySet<Conversing>): void {
  const peers = new DeadPeers();
  let looking = false;
  async function look(): Promise<void> {
    if (looking || sessions().size === 0) return;
    looking = true;
    const tables = await Promise.all(TABLES.map(read));
    looking = false;
    const found = tables.flatMap((table) => [...unanswered(table)]);
    peers.look(sessions(), found, performance.now());
  }
  setInterval(() => void look(), LOOK_EVERY_MS).unref();
}

function read(file: string): Promise<string> {
  return readFile(file, 'latin1').catch(() => '');
}
