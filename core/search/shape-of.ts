/** The shape of a statement that somebody wrote, as steps have it. */

import { CustodyError } from '../errors.ts';
import { LOAD_SHAPE_OF } from '../replay/load-facts.ts';

/** By the first protocol that reads it, or the one that is named. Throws `format-invalid`. */
export async function shapeOfStatement(statement: string, protocol?: string): Promise<string> {
  for (const [name, load] of LOAD_SHAPE_OF) {
    if (protocol !== undefined && protocol !== name) continue;
    const shape = (await load())(statement);
    if (shape !== undefined) return shape;
  }
  throw new CustodyError('format-invalid', 'statement: no shape can be made of it', {
    hint: 'give one whole statement, or one program with its arguments',
  });
}
