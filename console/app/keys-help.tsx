import { Dialog } from '../parts/dialog.tsx';
import { type Key, useKeyboard } from '../parts/keys.ts';

/** Every key that the page takes now; first those of the page itself. */
export function KeysHelp({ onClose }: { readonly onClose: () => void }) {
  const sets = useKeyboard().sets.value;
  return (
    <Dialog title="Keys" onClose={onClose}>
      {sets.map((keys, at) => (
        <KeyList key={at} keys={keys} />
      ))}
      <p class="hint">
        <kbd>Ctrl</kbd> <kbd>K</kbd> (<kbd>⌘</kbd> <kbd>K</kbd>) goes to anything by its name or id, and{' '}
        <kbd>Esc</kbd> closes what is open. No key counts while you type.
      </p>
    </Dialog>
  );
}

function KeyList({ keys }: { readonly keys: readonly Key[] }) {
  return (
    <dl class="keys">
      {keys.map(({ key, does }) => (
        <div key={key}>
          <dt>
            {key.split(' ').map((one) => (
              <kbd key={one}>{one === '' ? 'Space' : one}</kbd>
            ))}
          </dt>
          <dd>{does}</dd>
        </div>
      ))}
    </dl>
  );
}
