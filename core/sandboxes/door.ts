import type { Authorization } from '../access/decide.ts';
import { madeSandboxOf } from '../access/made-sandboxes.ts';
import { asCustodyError, CustodyError } from '../errors.ts';
import { asOf, isMadeBy } from './desk.ts';
import type { SandboxStore } from './ports.ts';
import type { NamedSandbox, Sandbox } from './sandbox.ts';

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A permission that says where to go, and the sandbox that is there. */
export interface Placed {
  readonly permission: Authorization<'connect'>;
  readonly sandbox?: NamedSandbox;
}

/**
 * Which sandbox a session means. `named`: by its id; without one, the newest of whoever comes that is ready. Permissions for other
 * targets stay as they are. Rejects with `access-denied` where it is not ready, and where there is none, or none of theirs: of somebody
 * else's nobody learns that it exists.
 */
export async function placed(
  permission: Authorization<'connect'>,
  named: string | undefined,
  sandboxes: Pick<SandboxStore, 'get' | 'present'>,
  now: Date,
): Promise<Placed> {
  const { target, principal } = permission;
  if (madeSandboxOf(target) === undefined) {
    if (named === undefined) return { permission };
    throw new CustodyError('access-denied', `the target "${target.name}" is no sandbox that was made`, {
      hint: 'leave custody.sandbox out, or name the target of the sandbox',
    });
  }
  const isTheirs = (one: Sandbox): boolean => one.target === target.name && isMadeBy(one, principal);
  const found =
    named === undefined ? newest(await sandboxes.present(), isTheirs, now) : await byId(named, sandboxes);
  if (found === undefined || !isTheirs(found))
    throw named === undefined ? noneMade(target.name) : notTheirs();
  const sandbox = asOf(found, now);
  if (sandbox.state !== 'ready' || sandbox.address === undefined) throw notReady(sandbox);
  const { id, from, at } = sandbox;
  return { permission: permission.placedAt(sandbox.address), sandbox: { id, from, at } };
}

/** Ready ones first: whoever makes a second one goes on in the first until it is there. */
function newest(
  present: readonly Sandbox[],
  isTheirs: (one: Sandbox) => boolean,
  now: Date,
): Sandbox | undefined {
  const theirs = present.filter(isTheirs).map((one) => asOf(one, now));
  return (
    theirs.findLast(({ state }) => state === 'ready') ?? theirs.findLast(({ state }) => state === 'making')
  );
}

async function byId(id: string, sandboxes: Pick<SandboxStore, 'get'>): Promise<Sandbox | undefined> {
  if (!ID.test(id)) return undefined;
  return sandboxes.get(id).catch((error: unknown) => {
    if (asCustodyError(error).code === 'not-found') return undefined;
    throw error;
  });
}

function noneMade(target: string): CustodyError {
  return new CustodyError('access-denied', `no sandbox "${target}" was made for you`, {
    hint: `make one: custody sandbox make ${target}`,
  });
}

function notTheirs(): CustodyError {
  return new CustodyError('access-denied', 'there is no such sandbox of yours', {
    hint: 'see yours: custody sandbox list',
  });
}

function notReady({ id, state, target, problem }: Sandbox): CustodyError {
  const how = {
    making: 'is not ready yet',
    ready: 'has no address',
    failed: `could not be made: ${problem?.message ?? 'nobody knows why'}`,
    removed: 'was removed',
  }[state];
  const hint =
    state === 'making'
      ? 'try again when it is: custody sandbox list'
      : `make another: custody sandbox make ${target}`;
  return new CustodyError('access-denied', `the sandbox ${id} ${how}`, { hint });
}
