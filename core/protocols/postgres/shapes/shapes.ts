import { CustodyError } from '#core/errors.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';

/** The shapes of SQL. Resolves once the parser is loaded. */
export function loadPostgresShapes(): Promise<CommandShapes> {
  return Promise.reject(new CustodyError('unsupported', 'not built yet'));
}
