import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import { CustodyError } from '#core/errors.ts';
import { type Cli, say } from '../cli.ts';

/** Where an export goes. Each call waits for a slow reader. */
export interface Output {
  text(text: string): Promise<void>;
  bytes(bytes: Uint8Array): Promise<void>;
  /** Which evidence it is of, for forms that have no place for it. */
  beside(reference: object): Promise<void>;
}

/** Standard output, or a new file that only its owner reads. */
export async function withOutput(
  cli: Cli,
  file: string | undefined,
  work: (output: Output) => Promise<void>,
): Promise<void> {
  if (file === undefined) return work(toStandardOutput(cli));
  const handle = await open(file, 'wx', 0o600).catch((cause: unknown) => {
    throw new CustodyError('already-exists', `${file} cannot be made: ${reasonOf(cause)}`, {
      hint: 'name a file that is not there yet',
      cause,
    });
  });
  try {
    await work({
      text: (text) => handle.writeFile(text),
      bytes: (bytes) => handle.writeFile(bytes),
      beside: (reference) =>
        writeFile(`${file}.evidence.json`, `${JSON.stringify(reference, undefined, 2)}\n`, {
          flag: 'wx',
          mode: 0o600,
        }),
    });
  } finally {
    await handle.close();
  }
}

function toStandardOutput(cli: Cli): Output {
  const put = async (what: string | Uint8Array): Promise<void> => {
    if (!cli.stdout.write(what)) await once(cli.stdout, 'drain');
  };
  return {
    text: put,
    bytes: (bytes) => put(Uint8Array.from(bytes)),
    beside: async (reference) => say(cli, `evidence: ${JSON.stringify(reference)}`),
  };
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}
