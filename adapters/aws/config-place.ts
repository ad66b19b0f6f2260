import type { S3Client } from '@aws-sdk/client-s3';

/** Where custody.yaml and the files that it names are. */
export interface ConfigPlace {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly key: string;
  /** A folder for copies of the certificates and keys that the configuration names: they are read where they are used. */
  readonly folder: string;
}
