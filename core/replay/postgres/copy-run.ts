/** Data of CopyData messages of the client that follow each other: of one COPY, if of any. */
export interface CopyRun {
  readonly bytes: number;
}
