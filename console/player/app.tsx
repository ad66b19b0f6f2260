import { useEffect, useState } from 'preact/hooks';
import { asCustodyError } from '#core/errors.ts';
import { readEvidence } from '#core/recording/verify/verify.ts';
import { CheckedReading } from '#core/replay/checked-reading.ts';
import { escapeLines, escapeTerminal } from '#core/replay/text.ts';
import type { BundleManifest } from './bundle-format.ts';
import { type EvidenceFiles, pickedEvidence } from './evidence.ts';
import { FactsPanel } from './facts.tsx';
import { BY_TAG_ALONE } from './marks.ts';
import { Player } from './player.tsx';
import { type Read, readWhole } from './reading.ts';
import { type Tape, takeTape } from '../terminal/tape.ts';
import { tarOf } from './tar.ts';
import { taskResultText } from './task-result.ts';
import { optionsOf, type Trust } from './trust.ts';
import { TrustForm, VerdictPanel } from './verdict.tsx';
import { sizeText } from './words.ts';

interface AppProps {
  readonly manifest: BundleManifest;
  /** Where it is in the page itself. */
  readonly inside: EvidenceFiles | undefined;
}

interface Opened {
  readonly read: Read;
  readonly tape: Tape | undefined;
  readonly result: string | undefined;
}

/** A bundle: verified first, then shown. */
export function App({ manifest, inside }: AppProps) {
  const [evidence, setEvidence] = useState(inside);
  const [trust, setTrust] = useState<Trust>({});
  const [opened, setOpened] = useState<Opened>();
  const [progress, setProgress] = useState('');
  const [fault, setFault] = useState('');
  useEffect(() => {
    if (evidence === undefined) return undefined;
    let isWanted = true;
    const told = (bytes: number, of: number): void => {
      if (isWanted) setProgress(`verifying: ${sizeText(bytes)} of ${sizeText(of)}`);
    };
    setOpened(undefined);
    setFault('');
    open(evidence, trust, told)
      .then((found) => isWanted && setOpened(found))
      .catch((thrown: unknown) => isWanted && setFault(asCustodyError(thrown).message));
    return () => {
      isWanted = false;
    };
  }, [evidence, trust]);
  const pick = (files: Iterable<File>): void => {
    try {
      setEvidence(pickedEvidence(files));
    } catch (thrown) {
      setFault(asCustodyError(thrown).message);
    }
  };
  return (
    <main>
      <h1>Custody: evidence of a session</h1>
      {evidence === undefined && <Picker onPick={pick} />}
      {fault !== '' && <p role="alert">{escapeTerminal(fault)}</p>}
      <p role="status" class="progress">
        {evidence !== undefined && opened === undefined && fault === '' ? progress || 'verifying' : ''}
      </p>
      {opened !== undefined && <Shown opened={opened} manifest={manifest} trust={trust} onTrust={setTrust} />}
      {evidence !== undefined && opened !== undefined && (
        <Keep evidence={evidence} manifest={manifest} session={opened.read.report.facts?.session} />
      )}
    </main>
  );
}

async function open(
  evidence: EvidenceFiles,
  trust: Trust,
  progress: (bytes: number, of: number) => void,
): Promise<Opened> {
  const read = await readWhole(evidence, trust, progress);
  return { read, tape: await terminalTape(evidence, trust, read), result: await taskResultText(evidence) };
}

/** Of frames that hold, as the steps are. */
async function terminalTape(
  evidence: EvidenceFiles,
  trust: Trust,
  { reader }: Read,
): Promise<Tape | undefined> {
  if (reader?.terminal === undefined) return undefined;
  const reading = new CheckedReading(
    readEvidence(evidence, await optionsOf(trust, evidence)),
    () => undefined,
  );
  await reading.open();
  return takeTape(reader.terminal(untilFault(reading)));
}

async function* untilFault(reading: CheckedReading): ReturnType<CheckedReading['frames']> {
  try {
    yield* reading.frames();
  } catch (thrown) {
    if (asCustodyError(thrown).code !== 'format-invalid') throw thrown;
  }
}

interface ShownProps {
  readonly opened: Opened;
  readonly manifest: BundleManifest;
  readonly trust: Trust;
  readonly onTrust: (trust: Trust) => void;
}

function Shown({ opened: { read, tape, result }, manifest, trust, onTrust }: ShownProps) {
  const { report, reader, steps, fault, opening, isByTag } = read;
  const end = Math.max(report.facts?.recordedUntil ?? 0, steps.at(steps.count));
  return (
    <>
      <VerdictPanel report={report} />
      <TrustForm signer={report.facts?.signer} trust={trust} onTrust={onTrust} />
      <FactsPanel facts={report.facts} manifest={manifest} result={result} />
      {fault !== undefined && (
        <p role="alert">
          Shown is what was recorded before the evidence ceases to hold: {escapeTerminal(fault)}
        </p>
      )}
      {reader === undefined && opening.open !== undefined && (
        <p role="alert">This player has no reader of {escapeTerminal(opening.open.target.protocol)}.</p>
      )}
      {isByTag && <p class="note">{BY_TAG_ALONE}</p>}
      {reader !== undefined && <Player steps={steps} reader={reader} tape={tape} end={end} />}
    </>
  );
}

/** The evidence lies beside the page, which no page may read by itself. */
function Picker({ onPick }: { readonly onPick: (files: Iterable<File>) => void }) {
  const dropped = (event: DragEvent): void => {
    event.preventDefault();
    if (event.dataTransfer !== null) onPick(event.dataTransfer.files);
  };
  return (
    <section
      class="picker"
      aria-labelledby="picker"
      onDragOver={(event) => event.preventDefault()}
      onDrop={dropped}
    >
      <h2 id="picker">Open the evidence</h2>
      <p>
        It lies in the folder <code>evidence</code> beside this page, which browsers do not let a page read by
        itself. Choose that folder, or choose all its files, or drop all its files here.
      </p>
      <label>
        The folder
        <input
          type="file"
          ref={(input) => input?.setAttribute('webkitdirectory', '')}
          onChange={(event) => onPick(event.currentTarget.files ?? [])}
        />
      </label>
      <label>
        Its files
        <input type="file" multiple onChange={(event) => onPick(event.currentTarget.files ?? [])} />
      </label>
    </section>
  );
}

interface KeepProps {
  readonly evidence: EvidenceFiles;
  readonly manifest: BundleManifest;
  readonly session: string | undefined;
}

/** This page was made by whoever exported it: the same can be checked without it. */
function Keep({ evidence, manifest, session }: KeepProps) {
  const [fault, setFault] = useState('');
  const save = (): void => {
    try {
      const folder = `evidence-${session ?? 'of-nobody'}`;
      download(tarOf(folder, evidence.files), `${folder}.tar`);
      download(new Blob([manifest.readme]), 'HOW-TO-VERIFY.txt');
    } catch (thrown) {
      setFault(asCustodyError(thrown).message);
    }
  };
  return (
    <section aria-labelledby="keep">
      <h2 id="keep">Check it without this page</h2>
      <p>
        Whoever made this page could have made it lie. The files are here as they are; anybody's tools can
        check them.
      </p>
      {manifest.evidence === 'inside' && (
        <button type="button" onClick={save}>
          Save the evidence (.tar)
        </button>
      )}
      {fault !== '' && <p role="alert">It cannot be saved: {escapeTerminal(fault)}</p>}
      <details>
        <summary>How to verify by plain tools</summary>
        <pre tabIndex={0}>{escapeLines(manifest.readme)}</pre>
      </details>
    </section>
  );
}

function download(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
