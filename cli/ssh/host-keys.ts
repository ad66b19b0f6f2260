/** The gateway's host keys: kept at the first use, and never replaced unasked. */
import { CustodyError } from '#core/errors.ts';
import { parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { formatKnownHost } from '#core/protocols/ssh/keys/known-hosts.ts';
import type { SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import { type Cli, say } from '../cli.ts';
import type { Gateway } from './api.ts';

export const KNOWN_HOSTS = 'ssh_known_hosts';
const PIN = 'ssh_host_keys';

/** Where a gateway is spoken to. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Writes the file of known hosts for these places. A key that was not there before is refused (`state-damaged`) unless it is
 * accepted; one that is gone is gone.
 */
export function pinHostKeys(cli: Cli, gateway: Gateway, places: readonly Place[], accept = false): void {
  const offered = gateway.hostKeys.map(parsePublicKeyLine);
  if (offered.length === 0)
    throw new CustodyError('format-invalid', 'the gateway says of no host key that it is its own');
  const pinned = pinnedKeys(cli);
  const isNew = ({ fingerprint }: SshPublicKey): boolean =>
    !pinned.some((key) => key.fingerprint === fingerprint);
  const added = offered.filter(isNew);
  if (pinned.length > 0 && added.length > 0 && !accept) throw changed(pinned, added);
  if (added.length > 0) tell(cli, gateway, added, pinned.length === 0);
  write(cli, PIN, gateway.hostKeys);
  write(cli, KNOWN_HOSTS, linesFor(offered, [gateway, ...places]));
}

/** The keys themselves; where a gateway is may change. */
function pinnedKeys(cli: Cli): readonly SshPublicKey[] {
  const lines = (cli.home.read(PIN) ?? '').split('\n').filter((line) => line !== '');
  try {
    return lines.map(parsePublicKeyLine);
  } catch (cause) {
    throw new CustodyError('state-damaged', `${cli.home.path(PIN)} is not what custody writes`, {
      hint: 'ask the operator for the keys; then: custody ssh-config --accept-new-host-key',
      cause,
    });
  }
}

function linesFor(keys: readonly SshPublicKey[], places: readonly Place[]): string[] {
  const lines = places.flatMap(({ host, port }) =>
    keys.map((key) => formatKnownHost(host, port, { key, role: 'host' })),
  );
  return [...new Set(lines)];
}

function write(cli: Cli, file: string, lines: readonly string[]): void {
  const text = `${lines.join('\n')}\n`;
  if (cli.home.read(file) !== text) cli.home.write(file, text);
}

function tell(cli: Cli, { host, port }: Place, keys: readonly SshPublicKey[], isFirst: boolean): void {
  const when = isFirst ? 'at first use' : 'as you wished';
  for (const { type, fingerprint } of keys)
    say(cli, `pinned a host key of ${host}:${port} ${when}: ${type} ${fingerprint}`);
}

function changed(pinned: readonly SshPublicKey[], added: readonly SshPublicKey[]): CustodyError {
  const names = (keys: readonly SshPublicKey[]): string =>
    keys.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(', ');
  const message =
    `THE HOST KEY OF THE GATEWAY HAS CHANGED: it says ${names(added)}, pinned is ${names(pinned)}. ` +
    'It is another gateway, a new data folder, or someone in between';
  return new CustodyError('state-damaged', message, {
    hint: 'ask its operator; if the new key is right: custody ssh-config --accept-new-host-key',
  });
}
