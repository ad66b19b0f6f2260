import type { DirectoryConfig } from '#core/access/directory-schema.ts';
import { CustodyError } from '#core/errors.ts';
import type { GroupDirectory } from '#core/identity/directory.ts';
import { cachedDirectory } from './cached.ts';
import { googleDirectory } from './google.ts';
import { microsoftDirectory } from './microsoft.ts';
import type { DirectoryPorts } from './ports.ts';

export interface DirectoriesPorts extends DirectoryPorts {
  /** An issuer's directory failed, whether or not an older answer served. */
  readonly onTrouble: (error: CustodyError, issuer: string) => void;
}

interface WithDirectory {
  readonly name: string;
  readonly directory?: DirectoryConfig | undefined;
}

/** The directory of an issuer as it is configured at the moment; what it answered is kept until its configuration changes. */
export function currentDirectories(
  ports: DirectoriesPorts,
): (issuer: WithDirectory) => GroupDirectory | undefined {
  const made = new Map<string, { readonly of: string; readonly directory: GroupDirectory }>();
  return ({ name, directory: config }) => {
    const of = JSON.stringify(config);
    if (config === undefined) made.delete(name);
    else if (made.get(name)?.of !== of) made.set(name, { of, directory: makeDirectory(config, name, ports) });
    return made.get(name)?.directory;
  };
}

function makeDirectory(config: DirectoryConfig, issuer: string, ports: DirectoriesPorts): GroupDirectory {
  const directory =
    config.kind === 'google' ? googleDirectory(config, ports) : microsoftDirectory(config, ports);
  const { cacheFor, staleFor } = config;
  const { wallClock, onTrouble } = ports;
  const claims = config.kind === 'google' ? [] : ['oid'];
  return cachedDirectory(directory, {
    ...{ cacheFor, staleFor, claims },
    now: () => wallClock().getTime(),
    onTrouble: (error) => onTrouble(naming(error, issuer), issuer),
  });
}

/** Whoever reads the log has to know which one. */
function naming({ code, message, hint, detail, cause }: CustodyError, issuer: string): CustodyError {
  return new CustodyError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    detail: `the directory of the issuer "${issuer}": ${detail ?? message}`,
    cause,
  });
}
