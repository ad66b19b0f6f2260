import type { Person as PersonValue } from '../api/types.ts';
import { personText } from './person-text.ts';
import { shown } from './text.ts';

export { personText } from './person-text.ts';

export function Person({ person }: { readonly person: PersonValue }) {
  return (
    <span class="person" title={shown(`${person.issuer} ${person.subject}`)}>
      {personText(person)}
    </span>
  );
}
