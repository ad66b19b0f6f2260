import type { CommandProtocol } from '../../protocols/command-parts.ts';
import { LOAD_SHAPES } from '../../protocols/shapes.ts';
import type { CommandShapes } from '../shapes.ts';
import type { LoadShapes } from '../workflows.ts';

/** What protocols know of their commands, each loaded once, however many runs are verified with it. */
export class LoadedShapes {
  readonly #loaded = new Map<CommandProtocol, Promise<CommandShapes>>();

  /** As `workflowFrom` takes them. */
  readonly load = Object.fromEntries(
    (Object.keys(LOAD_SHAPES) as CommandProtocol[]).map((protocol) => [protocol, () => this.of(protocol)]),
  ) as LoadShapes;

  of(protocol: CommandProtocol): Promise<CommandShapes> {
    const loaded = this.#loaded.get(protocol) ?? LOAD_SHAPES[protocol]();
    this.#loaded.set(protocol, loaded);
    return loaded;
  }
}
