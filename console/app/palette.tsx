import { useId, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { Dialog } from '../parts/dialog.tsx';
import { type Place, placesFor } from './places.ts';

interface PaletteProps {
  readonly onClose: () => void;
}

/** Goes to a page by its name, and to a session, a request or a run by its id. */
export function Palette({ onClose }: PaletteProps) {
  const { route } = useLocation();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const list = useId();
  const places = placesFor(typed);
  const go = ({ href }: Place): void => {
    onClose();
    route(href);
  };
  const press = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (by !== 0) setAt((at + by + places.length) % Math.max(1, places.length));
    else if (event.key === 'Enter' && places[at] !== undefined) go(places[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Go to" class="palette" onClose={onClose}>
      <input
        type="text"
        role="combobox"
        aria-label="A page, or the id of a session, a request or a run"
        aria-expanded="true"
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={places.length === 0 ? undefined : `${list}-${at}`}
        placeholder="A page, or the id of a session, a request or a run"
        autocomplete="off"
        spellcheck={false}
        autofocus
        value={typed}
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <Places id={list} places={places} at={at} onGo={go} />
    </Dialog>
  );
}

interface PlacesProps {
  readonly id: string;
  readonly places: readonly Place[];
  readonly at: number;
  readonly onGo: (place: Place) => void;
}

function Places({ id, places, at, onGo }: PlacesProps) {
  return (
    <>
      <ul id={id} role="listbox" aria-label="Places">
        {places.map((place, index) => (
          <li
            key={place.href}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => onGo(place)}
          >
            {place.word}
          </li>
        ))}
      </ul>
      <p class="hint" role="status">
        {places.length === 0 ? 'No page has such a name, and it is no whole id.' : ''}
      </p>
    </>
  );
}
