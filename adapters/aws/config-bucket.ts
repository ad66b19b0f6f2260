import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { type Config, type IssuerConfig, readConfig, type Target } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
import type { ConfigPlace } from './config-place.ts';
import { awsFailure } from './failure.ts';
import { KeyFiles } from './key-files.ts';

const CONFIG_MAX_BYTES = 1 << 20;

/** A configuration as it is written now. */
export interface WrittenConfig {
  readonly config: Config;
  readonly changedAt: Date;
}

interface Known extends WrittenConfig {
  readonly etag: string;
  /** Files with keys, by the names that they have beside it. */
  readonly keyFiles: readonly string[];
}

/** Reads custody.yaml from its bucket; what has not changed since is not fetched again. */
export class ConfigBucket {
  readonly #place: ConfigPlace;
  readonly #keyFiles: KeyFiles;
  #known: Known | undefined;

  constructor(place: ConfigPlace) {
    this.#place = place;
    this.#keyFiles = new KeyFiles(place);
  }

  /** Rejects with `config-invalid` and `store-unavailable`. */
  async read(): Promise<WrittenConfig> {
    const { s3, bucket, key } = this.#place;
    const condition = this.#known === undefined ? {} : { IfNoneMatch: this.#known.etag };
    try {
      const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...condition }));
      this.#known = await this.#parsed(object);
    } catch (thrown) {
      const { name, $metadata } = thrown as Error & { $metadata?: { httpStatusCode?: number } };
      if ($metadata?.httpStatusCode === 304 && this.#known !== undefined) return this.#unchanged(this.#known);
      if (name === 'NoSuchKey') throw missing(bucket, key);
      throw awsFailure(thrown, 'read the configuration');
    }
    return this.#known;
  }

  async #parsed({ Body, ContentLength = 0, ETag, LastModified }: GetObjectCommandOutput) {
    const { bucket, key } = this.#place;
    if (ContentLength > CONFIG_MAX_BYTES)
      throw new CustodyError('config-invalid', `${key} is longer than ${CONFIG_MAX_BYTES} bytes`);
    const config = await readConfig(await Body!.transformToString(), `s3://${bucket}/${key}`);
    const targets = await Promise.all([...config.targets.values()].map((target) => this.#withCopies(target)));
    const keyFiles = config.issuers.flatMap(({ jwksFile }) => jwksFile ?? []);
    const issuers = await Promise.all(config.issuers.map((issuer) => this.#withKeys(issuer)));
    refuseFiles(config);
    const named = new Map(targets.map((target) => [target.name, target]));
    return {
      config: { ...config, issuers, targets: named, writtenAt: LastModified! },
      changedAt: LastModified!,
      etag: ETag!,
      keyFiles,
    };
  }

  /** The keys of issuers may have changed nevertheless. */
  async #unchanged(known: Known): Promise<Known> {
    await Promise.all(known.keyFiles.map((name) => this.#keyFiles.copy(name)));
    return known;
  }

  async #withKeys(issuer: IssuerConfig): Promise<IssuerConfig> {
    const { jwksFile } = issuer;
    return jwksFile === undefined ? issuer : { ...issuer, jwksFile: await this.#keyFiles.copy(jwksFile) };
  }

  /** Whom a target trusts lies beside custody.yaml, under the name that it has there. */
  async #withCopies(target: Target): Promise<Target> {
    const protocol = protocolOf(target);
    const copies = new Map<string, string>();
    for (const file of protocol.trustFiles(target)) copies.set(file, await this.#copyOf(file));
    return protocol.withFiles(target, (file) => copies.get(file) ?? file);
  }

  async #copyOf(file: string): Promise<string> {
    const { s3, bucket, key, folder } = this.#place;
    const Key = posix.join(posix.dirname(key), file);
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      return keepCopy(folder, await Body!.transformToByteArray());
    } catch (thrown) {
      if ((thrown as Error).name !== 'NoSuchKey') throw awsFailure(thrown, `read ${Key}`);
      throw missing(bucket, Key);
    }
  }
}

/** By what is in it: one that changes is another file, and whoever reads the one before has it whole. */
function keepCopy(folder: string, bytes: Uint8Array): string {
  const file = join(folder, `${createHash('sha256').update(bytes).digest('hex')}.pem`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, bytes, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return file;
}

function refuseFiles({ targets, webhooks, issuers }: Config): void {
  const [what] = [
    ...[...targets.values()]
      .filter((target) =>
        protocolOf(target)
          .secrets(target)
          .some(({ kind }) => kind === 'file'),
      )
      .map(({ name }) => `the target "${name}"`),
    ...webhooks
      .filter(({ secretFile }) => secretFile !== undefined)
      .map(({ name }) => `the webhook "${name}"`),
    ...issuers
      .filter(({ scim }) => scim?.tokenFile !== undefined)
      .map(({ name }) => `the directory of "${name}"`),
    ...issuers
      .filter(({ directory }) => directory?.secretFile !== undefined)
      .map(({ name }) => `the directory of groups of "${name}"`),
  ];
  if (what === undefined) return;
  throw new CustodyError(
    'config-invalid',
    `${what} has its secret in a file, which a gateway in AWS does not have`,
    {
      hint: 'put it into Secrets Manager, and name it with `secret`',
    },
  );
}

function missing(bucket: string, key: string): CustodyError {
  return new CustodyError('config-invalid', `s3://${bucket}/${key} is not there`, {
    hint: 'deploy the stack again: it puts the configuration there',
  });
}
