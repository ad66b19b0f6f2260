/** All that a terminal is at a moment, so that one can go on from there without what came before. */
import type { Terminal } from '@xterm/headless';
import { Emulator } from './emulator.ts';
import { type Inside, insideOf, type Line, type Plane } from './inside.ts';

interface PlaneState {
  readonly lines: readonly Line[];
  readonly places: Pick<Plane, (typeof PLACES)[number]>;
  readonly tabs: Plane['tabs'];
  readonly look: Plane['savedCurAttrData'];
}

export interface Keyframe {
  readonly columns: number;
  readonly rows: number;
  readonly isTerminal: boolean;
  /** A line feed goes back to the first column as well (LNM), whatever else a terminal is. */
  readonly returns: boolean;
  readonly isAlternate: boolean;
  readonly normal: PlaneState;
  readonly alternate: PlaneState;
  readonly look: Inside['input']['_curAttrData'];
  readonly joinState: number;
  readonly isCursorHidden: boolean;
  readonly modes: Readonly<Record<string, unknown>>;
  readonly privateModes: Readonly<Record<string, unknown>>;
  readonly charsets: { readonly glevel: number; readonly charset: unknown; readonly all: readonly unknown[] };
  /** Of memory, about. */
  readonly bytes: number;
}

const PLACES = [
  'x',
  'y',
  'ybase',
  'ydisp',
  'savedX',
  'savedY',
  'scrollTop',
  'scrollBottom',
  'savedCharset',
] as const;
/** Of a cell. */
const CELL_BYTES = 12;

/** Undefined in the middle of a character or a command, of which a part has been taken already. */
export function keyframeOf({ terminal }: Emulator, isTerminal: boolean): Keyframe | undefined {
  const { input, core, charsets, planes } = insideOf(terminal);
  const { _parser: parser, _utf8Decoder: decoder } = input;
  if (parser.currentState !== parser.initialState || decoder.interim[0] !== 0) return undefined;
  const { cols: columns, rows } = terminal;
  const [normal, alternate] = [stateOf(planes.normal), stateOf(planes.alt)];
  return {
    columns,
    rows,
    isTerminal,
    returns: terminal.options.convertEol === true,
    isAlternate: planes.active === planes.alt,
    normal,
    alternate,
    look: input['_curAttrData'].clone(),
    joinState: parser.precedingJoinState,
    isCursorHidden: core.isCursorHidden,
    modes: { ...core.modes },
    privateModes: { ...core.decPrivateModes },
    charsets: { glevel: charsets.glevel, charset: charsets.charset, all: [...charsets['_charsets']] },
    bytes: (normal.lines.length + alternate.lines.length) * columns * CELL_BYTES,
  };
}

export function fromKeyframe(frame: Keyframe): Emulator {
  const emulator = new Emulator(frame, frame.isTerminal);
  const { input, core, charsets, planes } = insideOf(emulator.terminal);
  emulator.terminal.options.convertEol = frame.returns;
  if (frame.isAlternate) planes.activateAltBuffer();
  restore(planes.normal, frame.normal);
  restore(planes.alt, frame.alternate);
  input['_curAttrData'] = frame.look.clone();
  input['_parser'].precedingJoinState = frame.joinState;
  core.isCursorHidden = frame.isCursorHidden;
  Object.assign(core.modes, frame.modes);
  Object.assign(core.decPrivateModes, frame.privateModes);
  charsets.glevel = frame.charsets.glevel;
  charsets.charset = frame.charsets.charset;
  charsets['_charsets'] = [...frame.charsets.all];
  return emulator;
}

function stateOf(plane: Plane): PlaneState {
  const lines = Array.from({ length: plane.lines.length }, (_, at) => plane.lines.get(at).clone());
  const places = Object.fromEntries(PLACES.map((place) => [place, plane[place]])) as PlaneState['places'];
  return { lines, places, tabs: { ...plane.tabs }, look: plane.savedCurAttrData.clone() };
}

function restore(plane: Plane, { lines, places, tabs, look }: PlaneState): void {
  plane.lines.length = 0;
  for (const line of lines) plane.lines.push(line.clone());
  Object.assign(plane, places);
  plane.tabs = { ...tabs };
  plane.savedCurAttrData = look.clone();
}

/** Whether the program shows where its cursor is, and where. */
export function cursorOf(terminal: Terminal): { readonly row: number; readonly column: number } | undefined {
  const { core, planes } = insideOf(terminal);
  if (core.isCursorHidden) return undefined;
  const { x, y } = planes.active;
  return { row: y, column: Math.min(x, terminal.cols - 1) };
}

/** Of its screen. */
export function linesOf(terminal: Terminal): readonly Line[] {
  const { active } = insideOf(terminal).planes;
  return Array.from({ length: terminal.rows }, (_, at) => active.lines.get(active.ydisp + at));
}
