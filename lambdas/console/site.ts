import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '#core/json.ts';
import type { Site, WireFile } from '../../console/build/serving.ts';

const filesSchema = z.array(
  z.object({ path: z.string(), type: z.string(), isImmutable: z.boolean(), etag: z.string() }),
);

/** The console as `npm run build` put it into a folder: each file in each encoding, and a list of them. */
export function siteIn(folder: string): Site {
  const listed = filesSchema.parse(parseJson(readFileSync(join(folder, 'files.json'), 'utf8')));
  const files = new Map(listed.map(({ path, ...file }) => [path, fileIn(folder, path, file)]));
  return (path) => files.get(path);
}

/** Only what is on the list is ever looked for on the disk. */
function fileIn(folder: string, path: string, file: Omit<WireFile, 'bytes'>): WireFile {
  return { ...file, bytes: (encoding) => readFile(join(folder, encoding, path)) };
}
