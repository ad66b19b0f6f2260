import ipaddr from 'ipaddr.js';

/** A connection whose peer has not answered what the kernel sent it. */
export interface Unanswered {
  /** See `connectionName`. */
  readonly connection: string;
  /** How often that was sent again, or asked for room, in vain. */
  readonly tries: number;
  /** In how many milliseconds the kernel tries once more. */
  readonly againMs: number;
}

/** One end of a connection, as node names it. */
export interface Ends {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** A row: number, local and remote address, state, queues, timer, tries, owner, probes (proc_net_tcp.rst of Linux). */
const ROW =
  /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]{2} [0-9A-F]{8}:[0-9A-F]{8} (01|04):([0-9A-F]{8}) ([0-9A-F]{8}) +\d+ +(\d+) /gm;
const RETRANSMITS = '01';
/** USER_HZ: what the kernel tells times in, on every machine that node runs on. */
const TICK_MS = 10;

/** The same for each of its ends' spellings: an IPv4 address that is written as IPv6 is that IPv4 address. */
export function connectionName({ localAddress, localPort, remoteAddress, remotePort }: Ends): string {
  return `${plain(localAddress)} ${localPort} ${plain(remoteAddress)} ${remotePort}`;
}

/**
 * The connections in Linux's /proc/net/tcp or tcp6 for which the kernel waits in vain: bytes are in flight and were sent again
 * without an answer, or the peer had no room and does not answer any more when it is asked. A peer that answers, be it that
 * it has no room, is not among them.
 */
export function* unanswered(table: string): Generator<Unanswered> {
  for (const found of table.matchAll(ROW)) {
    const [, local, localPort, remote, remotePort, timer, when, retransmits, probes] = found;
    const tries = timer === RETRANSMITS ? Number.parseInt(retransmits!, 16) : Number(probes);
    if (tries === 0) continue;
    const connection = connectionName({
      localAddress: addressOf(local!),
      localPort: Number.parseInt(localPort!, 16),
      remoteAddress: addressOf(remote!),
      remotePort: Number.parseInt(remotePort!, 16),
    });
    yield { connection, tries, againMs: Number.parseInt(when!, 16) * TICK_MS };
  }
}

/** Words of 32 bits, each in the order of the machine, which is little-endian wherever this runs. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  return ipaddr.fromByteArray([...(bytes.byteLength % 4 === 0 ? bytes.swap32() : bytes)]).toString();
}

function plain(address = ''): string {
  const [bare = ''] = address.split('%');
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : address;
}
