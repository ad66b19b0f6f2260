/** What the command tag of a command begins with, by the command's first word; one that is not here may have any. */
const TAGS: Readonly<Record<string, readonly string[]>> = {
  abort: ['ROLLBACK'],
  alter: ['ALTER'],
  analyse: ['ANALYZE'],
  analyze: ['ANALYZE'],
  begin: ['BEGIN'],
  call: ['CALL'],
  checkpoint: ['CHECKPOINT'],
  close: ['CLOSE'],
  cluster: ['CLUSTER'],
  comment: ['COMMENT'],
  commit: ['COMMIT', 'ROLLBACK'],
  copy: ['COPY'],
  create: ['CREATE', 'SELECT'],
  deallocate: ['DEALLOCATE'],
  declare: ['DECLARE', 'SELECT'],
  delete: ['DELETE'],
  discard: ['DISCARD'],
  do: ['DO'],
  drop: ['DROP'],
  end: ['COMMIT', 'ROLLBACK'],
  explain: ['EXPLAIN'],
  fetch: ['FETCH'],
  grant: ['GRANT'],
  import: ['IMPORT'],
  insert: ['INSERT'],
  listen: ['LISTEN'],
  load: ['LOAD'],
  lock: ['LOCK'],
  merge: ['MERGE'],
  move: ['MOVE'],
  notify: ['NOTIFY'],
  prepare: ['PREPARE'],
  reassign: ['REASSIGN'],
  refresh: ['REFRESH'],
  reindex: ['REINDEX'],
  release: ['RELEASE'],
  reset: ['RESET'],
  revoke: ['REVOKE'],
  rollback: ['ROLLBACK'],
  savepoint: ['SAVEPOINT'],
  security: ['SECURITY'],
  select: ['SELECT'],
  set: ['SET'],
  show: ['SHOW'],
  start: ['START'],
  table: ['SELECT'],
  truncate: ['TRUNCATE'],
  unlisten: ['UNLISTEN'],
  update: ['UPDATE'],
  vacuum: ['VACUUM'],
  values: ['SELECT'],
  with: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE'],
};

/**
 * Can a command that begins with `verb` end with this tag? When it cannot, what ran is not what the text says.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-COMMANDCOMPLETE
 */
export function isTagOf(tag: string, verb: string): boolean {
  const begins = Object.hasOwn(TAGS, verb) ? TAGS[verb] : undefined;
  return begins === undefined || begins.some((words) => tag === words || tag.startsWith(`${words} `));
}
