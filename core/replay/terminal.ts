/** What a terminal of a recorded session showed and was told, whatever the protocol. */
export type TerminalEvent =
  /** Comes first, and once. `isTerminal`: false where output went to a client that has none, so that its lines end with LF alone. */
  | {
      readonly kind: 'start';
      readonly at: number;
      readonly columns: number;
      readonly rows: number;
      readonly term?: string;
      readonly command?: string;
      readonly isTerminal: boolean;
    }
  /** Bytes stay as they are until the next event is taken. */
  | { readonly kind: 'output' | 'input'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'resize'; readonly at: number; readonly columns: number; readonly rows: number }
  | { readonly kind: 'exit'; readonly at: number; readonly status: number };

/** Where nobody said how large a terminal is. */
export const PLAIN_SIZE = { columns: 80, rows: 24 } as const;
