import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import { SandboxDesk } from '#core/sandboxes/desk.ts';
import { keepSandboxes } from '#core/sandboxes/keeper.ts';
import type { SandboxMaker, SandboxStore } from '#core/sandboxes/ports.ts';
import { isOpen } from '#core/sandboxes/sandbox.ts';

const LOOK_EVERY_MS = 200;
/** As long as nothing is there to be looked after, but what another start may have left. */
const IDLE_EVERY_MS = 30_000;
const TRIES_AT_END = 100;

export interface LocalSandboxPorts {
  readonly sandboxes: SandboxStore;
  readonly maker: SandboxMaker;
  readonly leaves: LeafSink;
  readonly now: () => Date;
  readonly newId: (at: Date) => string;
  readonly onTrouble: (error: CustodyError) => void;
  readonly say: (line: string) => void;
}

/** Looks after sandboxes for as long as this process lives: what the scheduled function is in the cloud. */
export function localSandboxKeeping(ports: LocalSandboxPorts) {
  const desk = new SandboxDesk(ports);
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<number> = Promise.resolve(0);
  let stopped = false;

  async function look(): Promise<number> {
    try {
      const { ready, failed, failures, present } = await keepSandboxes(ports);
      for (const { id, target } of ready) ports.say(`the sandbox ${id} of ${target} is ready`);
      for (const { id, problem } of failed) ports.say(`the sandbox ${id} failed: ${problem?.message}`);
      for (const { error } of failures) ports.onTrouble(error);
      return present;
    } catch (error) {
      ports.onTrouble(asCustodyError(error));
      return 0;
    }
  }

  /** One look at a time; the next one when there is something to look after. */
  function schedule(afterMs: number): void {
    clearTimeout(timer);
    if (stopped) return;
    timer = setTimeout(() => {
      looking = looking.then(look);
      void looking.then((present) => schedule(present > 0 ? LOOK_EVERY_MS : IDLE_EVERY_MS));
    }, afterMs);
  }

  schedule(0);
  return {
    sandboxes: ports.sandboxes,
    desk,
    wake: async (): Promise<void> => schedule(0),
    /** Removes all there are: nobody looks after them any more. */
    stop: async (): Promise<void> => {
      stopped = true;
      clearTimeout(timer);
      await looking;
      for (const sandbox of await ports.sandboxes.present()) if (isOpen(sandbox)) await desk.remove(sandbox);
      for (let tries = 0; tries < TRIES_AT_END && (await look()) > 0; tries += 1)
        await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS / 4));
    },
  };
}

/** Where nothing can be made. */
export const makesNone: SandboxMaker = {
  make: () =>
    Promise.reject(new CustodyError('precondition-failed', 'nothing here makes sandboxes of this target')),
  remove: async () => true,
  existing: async () => [],
};
