/** Why an error came about: an ErrorResponse of the target, by its SQLSTATE. https://www.postgresql.org/docs/current/errcodes-appendix.html */
export class ServerSaid extends Error {
  readonly sqlstate: string;

  constructor(sqlstate: string, message: string) {
    super(message);
    this.sqlstate = sqlstate;
  }
}

/** Undefined where the target said nothing. */
export function sqlstateOf(error: unknown): string | undefined {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof ServerSaid ? cause.sqlstate : undefined;
}
