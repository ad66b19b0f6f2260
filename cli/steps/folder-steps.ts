/** Steps of an evidence folder, through an index that is made once and kept beside it. */
import { createHash } from 'node:crypto';
import { constants, realpathSync } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { createKeyFile, keyFileSigner } from '#adapters/local/file-signer.ts';
import { asCustodyError } from '#core/errors.ts';
import { inBatches } from '#core/in-batches.ts';
import { segmentNumber } from '#core/recording/layout.ts';
import type { EvidenceFolder } from '#core/recording/verify/verify.ts';
import { type SessionSteps, stepsIn } from '#core/replay/index/index-session.ts';
import type { IndexedEvidence } from '#core/replay/index/made-of.ts';
import { makeIndex } from '#core/replay/index/make-index.ts';
import type { StepPlace, StepQuery } from '#core/replay/index/query.ts';
import { type Span, timePlace } from '#core/replay/index/time-place.ts';
import { type Cli, say } from '../cli.ts';
import { localFolder } from '../evidence/local-folder.ts';
import type { PublicSigner } from '../signer-pin.ts';
import { StatusLine } from '../status-line.ts';
import type { ShownPage, StepPages, StepsAsked } from './step-page.ts';

/** In CUSTODY_HOME: what this user's indexes are signed with, so that one that came with the evidence is not believed. */
const KEY = 'index.key';
const AT_ONCE = 32;

export interface FolderTrust {
  readonly signers: readonly PublicSigner[];
  readonly ledger: string;
}

/** Opens the index of a folder, or makes it: where it is missing, was made under another trust, or is of something else. */
export async function folderSteps(cli: Cli, folder: string, trust: FolderTrust): Promise<StepPages> {
  const status = new StatusLine(cli);
  const evidence = evidenceIn(folder, trust, status);
  const place = await placeFor(cli, folder);
  cli.home.makeFolder();
  createKeyFile(cli.home.path(KEY), () => undefined);
  const signer = keyFileSigner(cli.home.path(KEY));
  const making = { evidence, store: directoryStore(place), name: 'evidence', signer };
  const open = async (deep: boolean): Promise<SessionSteps> => {
    try {
      const made = await makeIndex({ ...making, deep });
      if (made.state === 'made' && made.why !== undefined)
        say(cli, `note: the index in ${place} was no good (${made.why}); it was made again`);
      return await stepsIn(made.index, evidence);
    } finally {
      status.clear();
    }
  };
  let steps = await open(false);
  return {
    checkedBy: 'as it was checked here',
    page: async (asked, limit) => {
      try {
        return await shownPage(steps, asked, limit);
      } catch (thrown) {
        if (asCustodyError(thrown).code !== 'state-damaged') throw thrown;
        steps = await open(true);
        return shownPage(steps, asked, limit);
      }
    },
  };
}

async function shownPage(steps: SessionSteps, asked: StepsAsked, limit: number): Promise<ShownPage> {
  const { about } = steps;
  const { total, startedAt } = about;
  const page = await steps.page(queryOf(asked, limit, { startedAt, until: total.to, steps: total.steps }));
  const shown = page.steps.map(({ number, isError, isWrite, json }) => {
    const marks = [...(isError ? (['error'] as const) : []), ...(isWrite ? (['write'] as const) : [])];
    return { number, marks, json };
  });
  return { ...about, ...page, steps: shown };
}

function evidenceIn(folder: string, { signers, ledger }: FolderTrust, status: StatusLine): IndexedEvidence {
  const plain = localFolder(folder);
  const sizes = async (): Promise<ReadonlyMap<string, number>> =>
    new Map(
      await inBatches(await plain.list(), AT_ONCE, async (name) => {
        const size = await lstat(join(folder, name)).then(
          (found) => found.size,
          () => -1,
        );
        return [name, size] as const;
      }),
    );
  return {
    folder: watched(plain, status),
    sizes,
    trust: { trustedSigners: signers.map(({ der }) => der), ledger },
  };
}

/** Says how far it is, while more than a page is read. */
function watched(folder: EvidenceFolder, status: StatusLine): EvidenceFolder {
  let of = 0;
  return {
    list: async () => {
      const names = await folder.list();
      of = names.filter((name) => segmentNumber(name) !== undefined).length;
      return names;
    },
    get: (name, atMost) => {
      const number = segmentNumber(name);
      if (number !== undefined) status.show(`segment ${number + 1} of ${of}`);
      return folder.get(name, atMost);
    },
  };
}

/** Beside the folder; where nothing can be written there, with the user's own files. */
async function placeFor(cli: Cli, folder: string): Promise<string> {
  const real = realpathSync(folder);
  const beside = join(dirname(real), `${basename(real)}.index`);
  const isWritable = await access(dirname(real), constants.W_OK).then(
    () => true,
    () => false,
  );
  if (isWritable) return beside;
  const name = createHash('sha256').update(real).digest('hex');
  return cli.home.path(join('indexes', name));
}

function queryOf(
  { direction, errors, writes, kind, outcome, ...where }: StepsAsked,
  limit: number,
  span: Span & { readonly steps: number },
): StepQuery {
  return {
    ...{ direction, limit, place: placeOf(where, direction, span) },
    ...(errors === undefined ? {} : { errors }),
    ...(writes === undefined ? {} : { writes }),
    ...(kind === undefined ? {} : { kind }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

function placeOf(
  { from, at, cursor }: Pick<StepsAsked, 'from' | 'at' | 'cursor'>,
  direction: StepsAsked['direction'],
  span: Span & { readonly steps: number },
): StepPlace {
  if (cursor !== undefined) return { cursor };
  if (from !== undefined) return { from };
  if (at !== undefined) return { at: timePlace(at, span) };
  return { cursor: direction === 'next' ? 0 : span.steps };
}
