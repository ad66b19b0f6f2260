import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { CustodyError } from '#core/errors.ts';
import type { ConfigPlace } from './config-place.ts';
import { awsFailure } from './failure.ts';

const MAX_BYTES = 256 << 10;

/**
 * Copies of the files with issuers' keys (`jwksFile`) that lie beside custody.yaml. They change without it: each has one path for
 * good, and whoever verifies tokens reads it again every few minutes.
 */
export class KeyFiles {
  readonly #place: ConfigPlace;
  /** By what was last seen of each. */
  readonly #etags = new Map<string, string>();

  constructor(place: ConfigPlace) {
    this.#place = place;
  }

  /** The path of the copy, made anew where the file has changed. Rejects with `config-invalid` and `store-unavailable`. */
  async copy(name: string): Promise<string> {
    const { s3, bucket, key, folder } = this.#place;
    const Key = posix.join(posix.dirname(key), name);
    const path = join(folder, `${createHash('sha256').update(Key).digest('hex')}.jwks.json`);
    const etag = this.#etags.get(Key);
    const condition = etag === undefined ? {} : { IfNoneMatch: etag };
    try {
      const {
        Body,
        ETag,
        ContentLength = 0,
      } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, ...condition }));
      if (ContentLength > MAX_BYTES) throw tooLong(Key);
      write(folder, path, await Body!.transformToByteArray());
      this.#etags.set(Key, ETag!);
    } catch (thrown) {
      if (thrown instanceof CustodyError) throw thrown;
      const { name: error, $metadata } = thrown as Error & { $metadata?: { httpStatusCode?: number } };
      if (error === 'NoSuchKey') throw notThere(bucket, Key);
      if ($metadata?.httpStatusCode !== 304) throw awsFailure(thrown, `read ${Key}`);
    }
    return path;
  }
}

function write(folder: string, path: string, bytes: Uint8Array): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function tooLong(key: string): CustodyError {
  return new CustodyError('config-invalid', `${key} is longer than ${MAX_BYTES} bytes`);
}

function notThere(bucket: string, key: string): CustodyError {
  return new CustodyError('config-invalid', `s3://${bucket}/${key} is not there`, {
    hint: 'put the file beside custody.yaml, and deploy the stack again',
  });
}
