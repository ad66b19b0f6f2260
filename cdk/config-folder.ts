import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';

export const CONFIG_FILE = 'custody.yaml';
/** A certificate is a few thousand bytes: whatever is much longer was put there by mistake. */
const FILE_MAX_BYTES = 1 << 20;

/** The folder's custody.yaml. Throws `config-invalid` where it is not valid, or where a file beside it looks like a secret. */
export function readConfigFolder(folder: string): Config {
  const files = filesOf(folder);
  if (!files.includes(CONFIG_FILE)) {
    throw new CustodyError(
      'config-invalid',
      `${join(folder, CONFIG_FILE)}: found nothing, expected the configuration`,
      {
        hint: 'put custody.yaml there, or name its folder with configFolder in cdk.json; cdk/README.md has an example',
      },
    );
  }
  for (const file of files) refuseSecret(folder, file);
  return parseConfig(readFileSync(join(folder, CONFIG_FILE), 'utf8'), join(folder, CONFIG_FILE));
}

function filesOf(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return entries.filter((name) => statSync(join(folder, name)).isFile());
  } catch (cause) {
    throw new CustodyError('config-invalid', `the folder ${folder} cannot be read`, {
      hint: 'make it, with custody.yaml in it, or name another with configFolder in cdk.json',
      cause,
    });
  }
}

const SECRET_NAME =
  /(?:^|[/._-])(?:id_[a-z0-9]+|passwords?|passwd|secrets?|credentials?|\.env|pgpass)(?:$|[/._-])|\.(?:key|p12|pfx|jks)$/i;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/;

/** Whatever is in the folder can be read by everybody who may read the bucket, the stack's assets, or an old version of either. */
function refuseSecret(folder: string, name: string): void {
  const file = join(folder, name);
  const why = secretIn(file, name);
  if (why === undefined) return;
  throw new CustodyError(
    'config-invalid',
    `${file}: found ${why}, expected custody.yaml and certificates only`,
    {
      hint: 'put it into Secrets Manager, name it with `secret` in custody.yaml, and remove the file',
    },
  );
}

function secretIn(file: string, name: string): string | undefined {
  if (statSync(file).size > FILE_MAX_BYTES) return `more than ${FILE_MAX_BYTES} bytes`;
  if (PRIVATE_KEY.test(readFileSync(file, 'latin1'))) return 'a private key';
  return SECRET_NAME.test(name) ? "a secret's name" : undefined;
}
