/** The console in `dist`: as files for a bucket, and compressed for the function that serves it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildConsole, type ConsoleFile } from '../console/build/build.ts';
import { compressed } from '../console/build/compressed.ts';
import { BUCKET_FILES } from './console-folder.ts';

/** What the function reads, under `dist`. */
const FUNCTION_FILES = join('lambdas', 'console', 'site');
/** Of brotli: the best, as it is compressed once. */
const QUALITY = 11;

/** Resolves with the files that went in. */
export async function buildSite(dist: string): Promise<readonly string[]> {
  const { files, inputs } = await buildConsole();
  for (const folder of [BUCKET_FILES, FUNCTION_FILES])
    rmSync(join(dist, folder), { recursive: true, force: true });
  for (const { path, bytes } of files) write(join(dist, BUCKET_FILES, path), bytes);
  const listed = await Promise.all(files.map((file) => writeCompressed(file, join(dist, FUNCTION_FILES))));
  write(join(dist, FUNCTION_FILES, 'files.json'), Buffer.from(JSON.stringify(listed)));
  return inputs;
}

async function writeCompressed(file: ConsoleFile, folder: string) {
  const wire = compressed(file, QUALITY);
  for (const encoding of ['br', 'gzip', 'identity'] as const)
    write(join(folder, encoding, file.path), await wire.bytes(encoding));
  const { etag, type, isImmutable } = wire;
  return { path: file.path, type, isImmutable, etag };
}

function write(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}
