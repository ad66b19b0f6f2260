import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, type IssuerConfig, parseConfig, readConfig, type Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { protocolOf } from '#core/protocols/protocols.ts';

/** Reads custody.yaml; files that it names are relative to it. Rejects with `config-invalid`. */
export async function readConfigFile(file: string): Promise<Config> {
  return onThisMachine(await readConfig(readText(file), file), dirname(file));
}

/** The same for who looks again and again: a text that is as it was is not read into a configuration anew. */
export function configFileReader(file: string): () => Promise<Config> {
  let last: { readonly text: string; readonly config: Config } | undefined;
  return async () => {
    const text = readText(file);
    if (last?.text === text) return last.config;
    const writtenAt = new Date(Math.floor(statSync(file).mtimeMs));
    const config = { ...onThisMachine(await readConfig(text, file), dirname(file)), writtenAt };
    last = { text, config };
    return config;
  };
}

/** The same without workflows' commands, which take a parser. Throws `config-invalid`. */
export function parseConfigFile(file: string): Config {
  return onThisMachine(parseConfig(readText(file), file), dirname(file));
}

function onThisMachine(config: Config, base: string): Config {
  const targets = [...config.targets.values()].map(
    (target) => [target.name, withPaths(target, base)] as const,
  );
  const webhooks = config.webhooks.map(({ secretFile, ...webhook }) =>
    secretFile === undefined ? webhook : { ...webhook, secretFile: resolve(base, secretFile) },
  );
  const issuers = config.issuers
    .map((issuer) => withFiles(issuer, base))
    .map((issuer) => withDirectoryFile(issuer, base));
  return { ...config, issuers, targets: new Map(targets), webhooks };
}

function withFiles(issuer: IssuerConfig, base: string): IssuerConfig {
  const { jwksFile, scim, name } = issuer;
  const keys = jwksFile === undefined ? {} : { jwksFile: resolve(base, jwksFile) };
  if (scim === undefined) return { ...issuer, ...keys };
  if (scim.tokenFile === undefined)
    throw new CustodyError('config-invalid', `the directory of "${name}" has a secret that is kept in AWS`, {
      hint: 'on a laptop it is a tokenFile',
    });
  return { ...issuer, ...keys, scim: { ...scim, tokenFile: resolve(base, scim.tokenFile) } };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CustodyError('config-invalid', `${file} cannot be read: ${why}`, {
      hint: 'see what is there, and whether it may be read',
      cause,
    });
  }
}

function withPaths(target: Target, base: string): Target {
  const protocol = protocolOf(target);
  if (protocol.secrets(target).some(({ kind }) => kind !== 'file'))
    throw needsFile(`the target "${target.name}"`, protocol.fileKey);
  return protocol.withFiles(target, (file) => resolve(base, file));
}

function withDirectoryFile(issuer: IssuerConfig, base: string): IssuerConfig {
  const { name, directory } = issuer;
  if (directory === undefined) return issuer;
  if (directory.secretFile === undefined)
    throw needsFile(`the directory of groups of "${name}"`, 'secretFile');
  return { ...issuer, directory: { ...directory, secretFile: resolve(base, directory.secretFile) } };
}

function needsFile(whose: string, key: string): CustodyError {
  return new CustodyError('config-invalid', `${whose} has a credential that is kept in AWS`, {
    hint: `on a laptop a credential is a ${key}`,
  });
}
