import { readdirSync, readFileSync } from 'node:fs';
import { CustodyError } from '#core/errors.ts';
import type { DoorLimits } from './door.ts';

/** Where the kernel does not say: what most shells and service managers give at least. */
const USUAL_LIMIT = 1024;
/** For what is open for a moment: objects on their way into the store, journal files, name look-ups, the health port. */
const RESERVE = 64;
/** A peer's own connection, and the one to the target that a cancel request needs. */
const EACH_PEER = 2;
/** The client's connection, the target's, and a third for a moment: the credential's file, or the cancel at its end. */
const EACH_SESSION = 3;
/** More peers than this would be memory for nothing: each may hold 64 KiB and a TLS handshake. */
const PEERS_MAX = 1_000;
const PEERS_MIN = 8;
/** Enough for everybody behind one address to come at once, as after an outage: a login takes some 30 ms. */
const PER_ADDRESS = 100;
const SESSIONS_MIN = 4;

/** What is taken where nobody asked for another number, and descriptors allow it. */
export const USUAL_LIMITS: AskedLimits = { peers: PEERS_MAX, perAddress: PER_ADDRESS };

/** What somebody asked for; less is taken where descriptors do not suffice. */
export interface AskedLimits {
  readonly sessions?: number | undefined;
  readonly peers?: number | undefined;
  readonly perAddress?: number | undefined;
}

/**
 * How many may be here at once, so that no peer and no session can take the descriptor that the journal or the store needs:
 * the limit, less what is open already, less a reserve; a quarter of the rest is the door's. Throws `config-invalid` when
 * the limit is too low for a gateway.
 */
export function limitsFor(limit: number, open: number, asked: AskedLimits = {}): DoorLimits {
  const rest = limit - open - RESERVE;
  const peers = Math.min(asked.peers ?? PEERS_MAX, Math.max(PEERS_MIN, Math.floor(rest / 4 / EACH_PEER)));
  const room = Math.floor((rest - peers * EACH_PEER) / EACH_SESSION);
  if (room < SESSIONS_MIN) throw tooFew(limit, open);
  const half = Math.max(1, Math.ceil(peers / 2));
  return {
    sessions: Math.min(asked.sessions ?? room, room),
    peers,
    perAddress: Math.min(asked.perAddress ?? Math.min(PER_ADDRESS, half), peers),
  };
}

/** The limit of open files of this process. Node has raised it as far as it may be raised, before any of our code ran. */
export function descriptorLimit(): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(procFile('limits')) ?? [];
  return soft === undefined ? USUAL_LIMIT : Number(soft);
}

/** How many are open now. */
export function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return RESERVE;
  }
}

function procFile(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, 'utf8');
  } catch {
    return ''; // No Linux.
  }
}

function tooFew(limit: number, open: number): CustodyError {
  const needed = open + RESERVE + PEERS_MIN * EACH_PEER + SESSIONS_MIN * EACH_SESSION;
  return new CustodyError('config-invalid', `a limit of ${limit} open files is too low for a gateway`, {
    hint: `raise it to ${needed} or more (ulimit -n; ulimits of the container)`,
  });
}
