import { asCustodyError, type CustodyError } from '../errors.ts';
import { enter, type LeafSink } from '../ledger/leaves.ts';
import { sandboxMadeLeaf, sandboxRemovedLeaf } from './leaves.ts';
import type { Progress, SandboxMaker, SandboxStore } from './ports.ts';
import { isOpen, isOver, type Sandbox } from './sandbox.ts';

export interface KeeperPorts {
  readonly sandboxes: SandboxStore;
  readonly maker: SandboxMaker;
  readonly leaves: LeafSink;
  readonly now: () => Date;
}

/** What one look has found that somebody should hear of. */
export interface Kept {
  readonly ready: readonly Sandbox[];
  readonly failed: readonly Sandbox[];
  /** Sandboxes whose look failed; the next one tries again. */
  readonly failures: readonly { readonly id: string; readonly error: CustodyError }[];
  /** How many have anything left of them. */
  readonly present: number;
}

/**
 * Takes every sandbox one step further: those that are wanted towards being ready, the others towards being gone, and with them
 * what a crash has left that no record knows. It remembers nothing, so that any process may look at any time.
 */
export async function keepSandboxes(ports: KeeperPorts): Promise<Kept> {
  // In this order: what exists when its record is read is in it, as a record is stored before anything is made.
  const existing = await ports.maker.existing();
  const present = await ports.sandboxes.present();
  const failures: { id: string; error: CustodyError }[] = [];
  const changed: Sandbox[] = [];
  const step = async (id: string, work: () => Promise<Sandbox | undefined>): Promise<void> => {
    try {
      const after = await work();
      if (after !== undefined) changed.push(after);
    } catch (thrown) {
      const error = asCustodyError(thrown);
      // Somebody else looked as well, or asked for its end: the next look sees what they did.
      if (error.code !== 'conflict') failures.push({ id, error });
    }
  };
  const known = new Set(present.map(({ id }) => id));
  const unknown = existing.filter((id) => !known.has(id));
  await Promise.all([
    ...present.map((sandbox) => step(sandbox.id, () => further(sandbox, ports))),
    ...unknown.map((id) => step(id, async () => void (await ports.maker.remove(id)))),
  ]);
  return {
    ready: changed.filter(({ state }) => state === 'ready'),
    failed: changed.filter(({ state, gone }) => state === 'failed' && !gone),
    failures,
    present: present.filter(({ id }) => !changed.some((one) => one.id === id && one.gone)).length,
  };
}

async function further(sandbox: Sandbox, ports: KeeperPorts): Promise<Sandbox | undefined> {
  const { sandboxes, now } = ports;
  if (!isOpen(sandbox)) return clear(sandbox, ports);
  if (isOver(sandbox, now())) return change(sandbox, { state: 'removed' }, sandboxes);
  return towardsReady(sandbox, ports);
}

async function towardsReady(
  sandbox: Sandbox,
  { sandboxes, maker, leaves, now }: KeeperPorts,
): Promise<Sandbox | undefined> {
  // Before anything of it exists; the same sandbox always makes the same leaf.
  if (sandbox.state === 'making') await enter(sandboxMadeLeaf(sandbox), leaves);
  const progress = await maker.make(sandbox).catch(asFailure);
  switch (progress.state) {
    case 'making':
      return undefined;
    case 'failed': {
      const { state, ...problem } = progress;
      return change(sandbox, { state, problem }, sandboxes);
    }
    case 'ready': {
      if (sandbox.state === 'ready') return undefined;
      const { state, address } = progress;
      return change(sandbox, { state, address, readyAt: now().toISOString() }, sandboxes);
    }
  }
}

/** What is told to whoever asked; anything else is a fault that the next look may not meet. */
function asFailure(thrown: unknown): Progress {
  const { code, message, hint } = asCustodyError(thrown);
  if (code !== 'precondition-failed') throw thrown;
  return { state: 'failed', message, ...(hint === undefined ? {} : { hint }) };
}

/** The leaf comes first: what the ledger does not say to be gone is looked at again. */
async function clear(
  sandbox: Sandbox,
  { sandboxes, maker, leaves, now }: KeeperPorts,
): Promise<Sandbox | undefined> {
  if (!(await maker.remove(sandbox.id))) return undefined;
  await enter(sandboxRemovedLeaf(sandbox, now()), leaves);
  return change(sandbox, { gone: true }, sandboxes);
}

async function change(sandbox: Sandbox, to: Partial<Sandbox>, sandboxes: SandboxStore): Promise<Sandbox> {
  const changed = { ...sandbox, ...to, version: sandbox.version + 1 };
  await sandboxes.change(changed);
  return changed;
}
