/** The console, at the API's address: built when somebody opens it first, kept for as long as this runs. */
import { asCustodyError } from '#core/errors.ts';
import type { ApiResult } from '#lambdas/http.ts';
import { isPage } from '../../console/build/addresses.ts';
import { ASSETS, buildConsole, type ConsoleFile, INDEX } from '../../console/build/build.ts';
import { cachingOf, consoleHeaders } from '../../console/build/headers.ts';

export interface ConsoleFiles {
  /** Undefined where the path is not the console's. */
  answer(path: string): Promise<ApiResult | undefined>;
}

/** `connect`: the origins of the moment that the page may ask for tokens. */
export function consoleFiles(connect: () => readonly string[]): ConsoleFiles {
  let built: Promise<ReadonlyMap<string, ConsoleFile>> | undefined;
  const files = (): Promise<ReadonlyMap<string, ConsoleFile>> => {
    built ??= buildFiles().catch((thrown: unknown) => {
      built = undefined;
      throw asCustodyError(thrown);
    });
    return built;
  };
  return {
    async answer(path) {
      const wanted = isPage(path) ? INDEX : path;
      if (wanted !== INDEX && !wanted.startsWith(ASSETS)) return undefined;
      const file = (await files()).get(wanted);
      return file === undefined ? undefined : answerOf(file, connect());
    },
  };
}

async function buildFiles(): Promise<ReadonlyMap<string, ConsoleFile>> {
  const { files } = await buildConsole();
  return new Map(files.map((file) => [file.path, file]));
}

function answerOf(file: ConsoleFile, connect: readonly string[]): ApiResult {
  return {
    statusCode: 200,
    headers: {
      'content-type': file.type,
      'cache-control': cachingOf(file),
      ...consoleHeaders(connect),
    },
    body: Buffer.from(file.bytes).toString('base64'),
    isBase64Encoded: true,
  };
}
