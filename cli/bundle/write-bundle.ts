/** One bundle for an outside auditor: a page that holds the evidence, or a folder with a page and the evidence beside it. */
import { createHash } from 'node:crypto';
import {
  type FileHandle,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { nameOf } from '#core/access/person.ts';
import { CustodyError } from '#core/errors.ts';
import { SEGMENT_FILE_MAX_BYTES } from '#core/recording/format.ts';
import { type EvidenceFolder, type VerifyReport, verifyEvidence } from '#core/recording/verify/verify.ts';
import { type Cli, say } from '../cli.ts';
import { refuseFilled } from '../evidence/empty-folder.ts';
import { localFolder } from '../evidence/local-folder.ts';
import { NOT_CHECKED, reportLines, VERDICT_CODES } from '../evidence/report.ts';
import { fetchEvidence, sourceOf } from '../evidence/source.ts';
import { expectedLedger } from '../ledger-pin.ts';
import { sizeText } from '../listing.ts';
import type { ReadingOptions } from '../play/evidence-reading.ts';
import { knownSigners } from '../signer-pin.ts';
import { claimsOf, currentToken } from '../tokens.ts';
import { ownVersion } from '../version.ts';
import { pageEnd, pageFile, pageStart } from './page.ts';
import { buildPlayer } from './player-build.ts';
import { bundleReadme } from './readme.ts';

/** A page that holds more takes too long to open. */
export const PAGE_EVIDENCE_MAX = 256 << 20;

export interface BundleOptions extends ReadingOptions {
  /** A file that ends in `.html`, or a folder that is empty or does not exist. */
  readonly out: string;
}

interface Evidence {
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly bytes: number;
}

/**
 * Writes the bundle of an evidence folder, or of a session by its id. It appears whole or not at all, whatever the verdict is: that is
 * said, and is the exit code. Rejects with `already-exists` where something is there, and with `unsupported` for a page of too much.
 */
export async function writeBundle(cli: Cli, name: string, options: BundleOptions): Promise<void> {
  cli.exitWith(NOT_CHECKED);
  const out = resolve(options.out);
  const isPage = out.endsWith('.html');
  await (isPage ? refuseFile(out) : refuseFilled(out));
  await mkdir(dirname(out), { recursive: true });
  const draft = await mkdtemp(join(dirname(out), '.custody-bundle-'));
  try {
    const { evidence, madeBy, session } = await evidenceOf(cli, name, draft);
    const report = await verified(cli, evidence, session, options);
    const made = await makeBundle(evidence, {
      draft,
      isPage,
      report,
      madeBy,
      now: new Date(),
      reference: session,
    });
    await rename(made, out);
    say(
      cli,
      `${sizeText(evidence.bytes)} of evidence in ${isPage ? out : join(out, 'index.html')}, which needs no network`,
    );
    for (const line of reportLines(report)) say(cli, line);
    cli.exitWith(VERDICT_CODES[report.verdict]);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

interface Found {
  readonly evidence: Evidence;
  readonly madeBy: string | undefined;
  readonly session: string | undefined;
}

/** Of an id: asked for as an export, which is a leaf of the ledger, and refused where raw evidence may not be had. */
async function evidenceOf(cli: Cli, name: string, draft: string): Promise<Found> {
  const source = await sourceOf(name);
  if (source.folder !== undefined)
    return { evidence: await measured(source.folder), madeBy: undefined, session: undefined };
  const folder = join(draft, 'fetched');
  await mkdir(folder);
  await fetchEvidence(cli, { id: name, purpose: 'export' }, folder);
  const madeBy = nameOf(claimsOf(await currentToken(cli)));
  return { evidence: await measured(folder), madeBy, session: name };
}

async function measured(folder: string): Promise<Evidence> {
  const names = [...(await localFolder(folder).list())].sort();
  const files = await Promise.all(
    names.map(async (name) => ({ name, bytes: (await lstat(join(folder, name))).size })),
  );
  return { folder, files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

async function verified(
  cli: Cli,
  { folder }: Evidence,
  session: string | undefined,
  options: ReadingOptions,
): Promise<VerifyReport> {
  const trustedSigners = knownSigners(cli, options.key).map(({ der }) => der);
  return verifyEvidence(localFolder(folder), {
    trustedSigners,
    ledger: expectedLedger(cli, options),
    ...(session !== undefined && { session }),
  });
}

interface Making {
  readonly draft: string;
  readonly isPage: boolean;
  readonly report: VerifyReport;
  readonly madeBy: string | undefined;
  readonly reference: string | undefined;
  readonly now: Date;
}

const STYLES = ['player/style.css', 'terminal/screen.css'].map(
  (path) => new URL(`../../console/${path}`, import.meta.url),
);

/** What was made, in the draft. */
async function makeBundle(evidence: Evidence, making: Making): Promise<string> {
  const { draft, isPage, report } = making;
  if (isPage && evidence.bytes > PAGE_EVIDENCE_MAX) throw tooMuch(evidence.bytes);
  const script = await buildPlayer();
  const style = (await Promise.all(STYLES.map((url) => readFile(url, 'utf8')))).join('');
  const manifest = await manifestOf(evidence, making, script);
  const start = pageStart({ title: `Custody: session ${manifest.reference}`, script, style, manifest });
  const folder = join(draft, 'bundle');
  await mkdir(folder);
  const page = join(folder, 'index.html');
  const file = await open(page, 'wx');
  try {
    await file.write(start);
    if (isPage) await writeInside(file, evidence);
    await file.write(pageEnd(script));
  } finally {
    await file.close();
  }
  if (isPage) return page;
  await writeBeside(folder, evidence);
  await writeFile(join(folder, 'README.txt'), await bundleReadme(report.facts, manifest.player), {
    flag: 'wx',
  });
  return folder;
}

async function manifestOf({ files }: Evidence, making: Making, script: string) {
  const player = createHash('sha256').update(script).digest('hex');
  const { isPage, report, madeBy, now, reference } = making;
  return {
    format: 1,
    madeAt: now.toISOString(),
    ...(madeBy !== undefined && { madeBy }),
    reference: reference ?? report.facts?.session ?? 'unknown',
    custody: ownVersion(),
    player,
    evidence: isPage ? 'inside' : 'beside',
    files,
    readme: await bundleReadme(report.facts, player),
  };
}

/** One file at a time: no more of it is in memory. */
async function writeInside(page: FileHandle, { folder, files }: Evidence): Promise<void> {
  const evidence: EvidenceFolder = localFolder(folder);
  for (const [at, { name }] of files.entries())
    await page.write(pageFile(`evidence-${at}`, await evidence.get(name, SEGMENT_FILE_MAX_BYTES)));
}

async function writeBeside(bundle: string, { folder, files }: Evidence): Promise<void> {
  const beside = join(bundle, 'evidence');
  await mkdir(beside);
  // Not by copyFile: a link in a folder that somebody else packed would take any file of this machine along (security case 10).
  const evidence = localFolder(folder);
  for (const { name } of files)
    await writeFile(join(beside, name), await evidence.get(name, SEGMENT_FILE_MAX_BYTES), { flag: 'wx' });
}

async function refuseFile(out: string): Promise<void> {
  const isThere = await stat(out).then(
    () => true,
    () => false,
  );
  if (isThere)
    throw new CustodyError('already-exists', `${out} is there already`, {
      hint: 'give a new name: a bundle is never written over',
    });
}

function tooMuch(bytes: number): CustodyError {
  return new CustodyError('unsupported', `${sizeText(bytes)} of evidence are too much for one page`, {
    hint: 'give a folder, whose name does not end in .html: the page is in it, with the evidence beside',
  });
}
