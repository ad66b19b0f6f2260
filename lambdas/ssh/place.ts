import { CustodyError } from '#core/errors.ts';
import type { ToldHostKeys } from '#core/protocols/ssh/host-keys.ts';

/** Where SSH clients reach the gateway, and how they know it. */
export interface SshPlace {
  readonly host: string;
  readonly port: number;
  /** Lines as in a `.pub` file. */
  readonly hostKeys: readonly string[];
}

/** Undefined where the gateway speaks no SSH, or has not spoken any yet. `address`: `host:port`. Throws `config-invalid`. */
export function sshPlace(
  address: string | undefined,
  { told }: Pick<ToldHostKeys, 'told'>,
): () => Promise<SshPlace | undefined> {
  if (address === undefined) return async () => undefined;
  const [, host, port] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (host === undefined)
    throw new CustodyError('config-invalid', 'CUSTODY_SSH_ADDRESS is not an address', {
      hint: 'host:port, as the stack sets it',
    });
  return async () => {
    const hostKeys = await told();
    return hostKeys.length === 0 ? undefined : { host, port: Number(port), hostKeys };
  };
}

/** As clients need it that know the keys already. */
export function addressOnly(place: SshPlace | undefined): Pick<SshPlace, 'host' | 'port'> | undefined {
  return place && { host: place.host, port: place.port };
}
