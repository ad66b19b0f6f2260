import { useState } from 'preact/hooks';
import type { Whoami } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { Dialog } from '../parts/dialog.tsx';
import { personText } from '../parts/person.tsx';
import { Failure } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useApi, useSignIn, useWho } from '../signin/context.ts';
import { ThemeChoice } from './theme-choice.tsx';

interface AccountProps {
  readonly onKeys: () => void;
}

/** Who one is, and the menu behind it. */
export function Account({ onKeys }: AccountProps) {
  const [isOpen, setOpen] = useState(false);
  const name = personText(useWho());
  return (
    <div class="account">
      <button
        type="button"
        class="quiet"
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        onClick={() => setOpen(true)}
      >
        <span class="initial" aria-hidden="true">
          {String.fromCodePoint(name.codePointAt(0) ?? 63).toUpperCase()}
        </span>
        <span class="person">{name}</span>
      </button>
      {isOpen && (
        <Dialog title="Your account" class="account-dialog" onClose={() => setOpen(false)}>
          <Menu
            onKeys={() => {
              setOpen(false);
              onKeys();
            }}
          />
        </Dialog>
      )}
    </div>
  );
}

/** As the gateway knows one now, which a token that was refreshed may have changed. */
function Menu({ onKeys }: AccountProps) {
  const [api, signIn, before] = [useApi(), useSignIn(), useWho()];
  const { value: who = before, problem } = useAnswer(
    (signal) => api.get<Whoami>('/v1/whoami', {}, signal),
    [],
  );
  return (
    <>
      {problem !== undefined && <Failure problem={problem} />}
      <WhoFacts who={who} />
      <ThemeChoice />
      <div class="account-actions">
        <button type="button" onClick={onKeys}>
          Keys <kbd>?</kbd>
        </button>
        <button type="button" onClick={() => void signIn.end()}>
          Sign out
        </button>
      </div>
    </>
  );
}

function WhoFacts({ who }: { readonly who: Whoami }) {
  return (
    <dl class="facts">
      <dt>You are</dt>
      <dd>{personText(who)}</dd>
      <dt>Groups</dt>
      <dd>{who.groups.length === 0 ? 'none' : shown(who.groups.join(', '))}</dd>
      <dt>Signed in at</dt>
      <dd>
        {shown(who.issuerName)} <span class="hint">{shown(who.issuer)}</span>
      </dd>
      <dt>Your token ends</dt>
      <dd>
        <Time at={who.expiresAt} />
      </dd>
    </dl>
  );
}
