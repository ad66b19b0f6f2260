import { useState } from 'preact/hooks';
import type { VerifyReport } from '#core/recording/verify/report.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { readTrust, type Trust } from './trust.ts';
import { VERDICT_WORDS } from './words.ts';

/** The verdict, large, with every finding in words. */
export function VerdictPanel({ report }: { readonly report: VerifyReport }) {
  const { word, meaning } = VERDICT_WORDS[report.verdict];
  return (
    <section class={`verdict ${report.verdict}`} aria-labelledby="verdict">
      <h2 id="verdict">{word}</h2>
      <p>{meaning}</p>
      {report.findings.length > 0 && (
        <ul class="findings">
          {report.findings.map(({ code, message }) => (
            <li key={`${code} ${message}`}>
              <code>{code}</code> {escapeTerminal(message)}
            </li>
          ))}
        </ul>
      )}
      {report.facts?.completeness !== undefined && report.verdict !== 'failed' && (
        <p>{escapeTerminal(report.facts.completeness)}</p>
      )}
    </section>
  );
}

interface TrustFormProps {
  readonly signer: string | undefined;
  readonly trust: Trust;
  readonly onTrust: (trust: Trust) => void;
}

/** Where the auditor says whom they trust. It is never filled in by what the bundle says itself. */
export function TrustForm({ signer, trust, onTrust }: TrustFormProps) {
  const [key, setKey] = useState(trust.fingerprint ?? '');
  const [ledger, setLedger] = useState(trust.ledger ?? '');
  const [fault, setFault] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    try {
      setFault('');
      onTrust(readTrust(key, ledger));
    } catch (thrown) {
      setFault(thrown instanceof Error ? thrown.message : String(thrown));
    }
  };
  return (
    <form class="trust" onSubmit={submit} aria-labelledby="trust">
      <h2 id="trust">Whom you trust</h2>
      <p>
        Get the gateway's signing key, or its fingerprint, and the name of its ledger from its operator, by
        another way than this page came. This page holds evidence of the key{' '}
        <code>{signer ?? 'unknown'}</code>.
      </p>
      <label>
        Key in PEM, or fingerprint (SHA-256)
        <textarea
          rows={2}
          spellcheck={false}
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
      </label>
      <label>
        Name of the ledger
        <input spellcheck={false} value={ledger} onInput={(event) => setLedger(event.currentTarget.value)} />
      </label>
      <button type="submit">Verify again</button>
      {fault !== '' && <p role="alert">{fault}</p>}
    </form>
  );
}
