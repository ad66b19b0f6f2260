import { useState } from 'preact/hooks';
import { asProblem } from '../api/problem.ts';
import { shown } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { readTrust } from '../player/trust.ts';
import type { Offered } from './offered.ts';
import type { PinStore } from './pins.ts';
import { type Standing, standingOf } from './standing.ts';

interface TrustPanelProps {
  readonly offered: Offered;
  readonly store: PinStore;
}

/** Whom this browser believes. Only the person changes it, and only by comparing. */
export function TrustPanel({ offered, store }: TrustPanelProps) {
  const pins = store.pins.value;
  const standing = standingOf(pins, offered);
  return (
    <section class={`card trust ${standing}`} aria-labelledby="trust">
      <h2 id="trust">Whom you trust</h2>
      <StandingWords standing={standing} />
      <dl class="facts">
        <dt>The gateway’s key</dt>
        <dd>
          <Fingerprint hex={offered.fingerprint} />
        </dd>
        {pins !== undefined && standing === 'signer-changed' && (
          <>
            <dt>You pinned</dt>
            <dd>
              <Fingerprint hex={pins.fingerprint} />
            </dd>
          </>
        )}
        <dt>Its ledger</dt>
        <dd class="mono">{offered.ledger === undefined ? 'has no checkpoint yet' : shown(offered.ledger)}</dd>
        {pins !== undefined && standing === 'ledger-changed' && (
          <>
            <dt>You pinned</dt>
            <dd class="mono">{shown(pins.ledger)}</dd>
          </>
        )}
        {pins !== undefined && (
          <>
            <dt>Pinned</dt>
            <dd>
              <Time at={pins.since} />
            </dd>
          </>
        )}
      </dl>
      {standing === 'new' && <PinForm offered={offered} store={store} />}
      {standing !== 'new' && <Forget store={store} />}
      <HowToCompare />
    </section>
  );
}

const WORDS: Readonly<Record<Standing, { readonly words: string; readonly isLoud: boolean }>> = {
  new: {
    words:
      'You have pinned nobody at this gateway yet. Until you do, it is the gateway’s own word that is checked.',
    isLoud: false,
  },
  'as-pinned': { words: 'The gateway signs with the key that you pinned.', isLoud: false },
  'signer-changed': {
    words:
      'THE SIGNING KEY OF THE GATEWAY HAS CHANGED. It is another gateway, a new one at its address, or somebody in between. Believe nothing it shows before its operator has told you why.',
    isLoud: true,
  },
  'ledger-changed': {
    words:
      'THE LEDGER OF THE GATEWAY HAS CHANGED: its checkpoints have another name than the one that you pinned. Ask its operator before you believe them.',
    isLoud: true,
  },
};

function StandingWords({ standing }: { readonly standing: Standing }) {
  const { words, isLoud } = WORDS[standing];
  return isLoud ? (
    <p role="alert" class="loud">
      {words}
    </p>
  ) : (
    <p>{words}</p>
  );
}

/** In groups, as people read it out to each other; copied without them. */
function Fingerprint({ hex }: { readonly hex: string }) {
  return (
    <code class="fingerprint">
      {hex.match(/.{8}/g)!.map((group, at) => (
        <span key={at}>{group}</span>
      ))}
    </code>
  );
}

function PinForm({ offered, store }: TrustPanelProps) {
  const [key, setKey] = useState('');
  const [ledger, setLedger] = useState('');
  const [fault, setFault] = useState('');
  const keep = (fingerprint: string, name: string): void =>
    store.pin({ fingerprint, ledger: name, since: new Date().toISOString() });
  const submit = (event: Event): void => {
    event.preventDefault();
    try {
      const trust = readTrust(key, ledger);
      if (trust.fingerprint === undefined || trust.ledger === undefined)
        setFault('Give both, the key and the ledger.');
      else keep(trust.fingerprint, trust.ledger);
    } catch (thrown) {
      setFault(asProblem(thrown).message);
    }
  };
  return (
    <>
      {offered.ledger !== undefined && (
        <div class="actions">
          <button type="button" class="primary" onClick={() => keep(offered.fingerprint, offered.ledger!)}>
            I compared both: pin them
          </button>
        </div>
      )}
      <details>
        <summary>I have the key in another form</summary>
        <form onSubmit={submit}>
          <label>
            Key in PEM, or its fingerprint (SHA-256)
            <textarea
              rows={3}
              spellcheck={false}
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          </label>
          <label>
            Name of the ledger
            <input
              spellcheck={false}
              value={ledger}
              onInput={(event) => setLedger(event.currentTarget.value)}
            />
          </label>
          <button type="submit">Pin these</button>
          {fault !== '' && <p role="alert">{shown(fault)}</p>}
        </form>
      </details>
    </>
  );
}

/** Two steps: a pin that one click removes is none. */
function Forget({ store }: { readonly store: PinStore }) {
  const [isAsked, setAsked] = useState(false);
  if (!isAsked)
    return (
      <button type="button" onClick={() => setAsked(true)}>
        Forget what I pinned
      </button>
    );
  return (
    <div class="actions">
      <button type="button" class="danger" onClick={() => store.forget()}>
        Forget it: I will compare anew
      </button>
      <button type="button" onClick={() => setAsked(false)}>
        Keep it
      </button>
    </div>
  );
}

function HowToCompare() {
  return (
    <details>
      <summary>How to compare</summary>
      <p>
        Get the gateway’s signing key, or its fingerprint, and the name of its ledger from its operator by
        another way than this page: on paper, by telephone, from the operator’s repository. The same
        fingerprint comes of
      </p>
      <pre tabIndex={0}>
        {`openssl pkey -pubin -in signer.pem -outform der | sha256sum

# what a command line pinned at its first login
openssl pkey -pubin -in ~/.config/custody/signer.pem -outform der | sha256sum
cat ~/.config/custody/ledger-origin`}
      </pre>
    </details>
  );
}
