/** The console, at the API's address: built when somebody opens it first, kept for as long as this runs. */
import { asCustodyError } from '#core/errors.ts';
import { once } from '#core/once.ts';
import type { ApiResult } from '#lambdas/http.ts';
import { fileOf, INDEX } from '../../console/build/addresses.ts';
import { buildConsole } from '../../console/build/build.ts';
import { compressed } from '../../console/build/compressed.ts';
import { type Asked, type Site, serve } from '../../console/build/serving.ts';

export interface ConsoleFiles {
  /** Undefined where the path is not the console's. */
  answer(asked: Asked): Promise<ApiResult | undefined>;
}

/** Of brotli: most of what 11 saves, at a tenth of its time. */
const QUALITY = 6;

/** `connect`: the origins of the moment that the page may ask for tokens. */
export function consoleFiles(
  connect: () => readonly string[],
  build: typeof buildConsole = buildConsole,
  isDevelopment = process.env['CUSTODY_CONSOLE_DEV'] === '1',
): ConsoleFiles {
  const built = () => once(() => buildSite(build));
  let site = built();
  return {
    async answer(asked) {
      const file = fileOf(asked.path);
      if (file === undefined) return undefined;
      // `npm run console:dev`: to load the page again is to build it again.
      if (isDevelopment && file === INDEX) site = built();
      return serve(await site(), asked, { connect: connect() });
    },
  };
}

async function buildSite(build: typeof buildConsole): Promise<Site> {
  const { files } = await build().catch((thrown: unknown) => {
    throw asCustodyError(thrown);
  });
  const byPath = new Map(files.map((file) => [file.path, compressed(file, QUALITY)]));
  return (path) => byPath.get(path);
}
