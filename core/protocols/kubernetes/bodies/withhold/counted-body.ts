import type { Withheld } from '../../tape.ts';
import { countOf } from './pieces.ts';

/** A body of which nothing can be shown. */
export class CountedBody {
  readonly pending = 0;

  push(bytes: Uint8Array): readonly Withheld[] {
    return countOf(bytes.length);
  }

  end(): readonly Withheld[] {
    return [];
  }
}
