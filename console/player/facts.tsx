import type { EvidenceFacts } from '#core/recording/verify/report.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import type { BundleManifest } from './bundle-format.ts';
import { sizeText, timeText } from './words.ts';

interface FactsProps {
  readonly facts: EvidenceFacts | undefined;
  readonly manifest: BundleManifest;
  readonly result: string | undefined;
}

/** What the session was, as its evidence says; and who made this page, which nobody vouches for. */
export function FactsPanel({ facts, manifest, result }: FactsProps) {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ...(facts === undefined ? [] : sessionRows(facts)),
    [
      'Exported',
      `${manifest.madeAt}${manifest.madeBy === undefined ? '' : ` by ${manifest.madeBy}`}: as the exporter says`,
    ],
    ['Reference', manifest.reference],
    ['Made with', `custody ${manifest.custody}, player ${manifest.player}`],
  ];
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">Session</h2>
      <dl>
        {rows.map(([name, value]) => value !== undefined && <Row key={name} name={name} value={value} />)}
      </dl>
      {result !== undefined && (
        <details>
          <summary>Result of the task</summary>
          <pre>{result}</pre>
        </details>
      )}
    </section>
  );
}

function Row({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{escapeTerminal(value)}</dd>
    </div>
  );
}

function sessionRows(facts: EvidenceFacts): (readonly [string, string | undefined])[] {
  const { principal, target, ledger } = facts;
  const person = principal.email ?? principal.subject;
  const actors = principal.actors?.map(({ subject }) => subject).join(', for ');
  return [
    ['Session', facts.session],
    ['Who', `${person} (${principal.subject} at ${principal.issuer})`],
    ['Through', actors],
    ['Target', `${target.name} (${target.protocol} at ${target.address})`],
    ['Started', facts.startedAt],
    ['Ended', facts.endedAt === undefined ? undefined : `${facts.endedAt}, ${facts.reason}`],
    [
      'Recorded',
      `${timeText(facts.recordedUntil)}, ${facts.frames} frames, ${sizeText(facts.bytes)}, ${facts.segments} segments`,
    ],
    ['Signer', facts.signer],
    [
      'Ledger',
      ledger &&
        `${ledger.origin}: ${ledger.ended ? 'opening and end' : 'opening'} under ${ledger.size} leaves`,
    ],
  ];
}
