/** What of the emulator its package does not show, of exactly the version that package.json names: test/console/terminal holds it to this. */
import type { Terminal } from '@xterm/headless';

export interface Line {
  /** Three numbers a cell: its character, and how it looks. */
  readonly _data: Uint32Array;
  clone(): Line;
}

interface Look {
  clone(): Look;
}

/** One of the two screens of a terminal. */
export interface Plane {
  x: number;
  y: number;
  ybase: number;
  ydisp: number;
  savedX: number;
  savedY: number;
  scrollTop: number;
  scrollBottom: number;
  savedCharset: unknown;
  savedCurAttrData: Look;
  tabs: Record<number, boolean | undefined>;
  readonly lines: { length: number; get(at: number): Line; push(line: Line): void };
}

export interface Inside {
  readonly input: {
    _curAttrData: Look;
    readonly _utf8Decoder: { readonly interim: Uint8Array };
    readonly _parser: {
      readonly initialState: number;
      readonly currentState: number;
      precedingJoinState: number;
    };
  };
  readonly core: {
    isCursorHidden: boolean;
    readonly modes: Record<string, unknown>;
    readonly decPrivateModes: Record<string, unknown>;
  };
  readonly charsets: { glevel: number; charset: unknown; _charsets: unknown[] };
  readonly planes: {
    readonly active: Plane;
    readonly normal: Plane;
    readonly alt: Plane;
    activateAltBuffer(): void;
  };
}

interface Core {
  readonly _inputHandler: Inside['input'];
  readonly coreService: Inside['core'];
  readonly _charsetService: Inside['charsets'];
  readonly _bufferService: { readonly buffers: Inside['planes'] };
}

export function insideOf(terminal: Terminal): Inside {
  const { _core } = terminal as unknown as { readonly _core: Core };
  const { _inputHandler, coreService, _charsetService, _bufferService } = _core;
  return {
    input: _inputHandler,
    core: coreService,
    charsets: _charsetService,
    planes: _bufferService.buffers,
  };
}
