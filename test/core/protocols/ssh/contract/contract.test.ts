import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { Counted } from '#core/protocols/counted.ts';
import { Message } from '#core/protocols/ssh/channels/messages.ts';
import { termsOf } from '#core/protocols/ssh/channels/terms.ts';
import { contractStarts } from '#core/protocols/ssh/contract/contract-starts.ts';
import { sshShapes } from '#core/protocols/ssh/shapes/shapes.ts';
import { SshWriter } from '#core/protocols/ssh/wire.ts';
import { compileContract } from '#core/tasks/contract.ts';
import type { Deviation } from '#core/tasks/deviation.ts';
import { RunDigests } from '#core/tasks/digests.ts';
import { workflowSchema } from '#core/tasks/schema.ts';
import type { DeviationPlace, TaskSession } from '#core/tasks/session.ts';
import { CLIENT, confirmation, open, request, stand, TARGET, TARGETS } from '../channels/stand.ts';

const DUMP = Buffer.from('id,amount\n1,5\n');

function dumpDigest() {
  const counted = new Counted();
  counted.take(DUMP);
  return counted.seen();
}

/** A session under a contract for `refund --id $1`, whose deviations are kept; `how`: what becomes of them. */
function underContract(how: 'record' | 'stop', contract: object = {}) {
  const does = [
    {
      name: 'pay',
      argv: ['refund', '--id', '$1'],
      values: { $1: { type: 'integer', max: 10 } },
      times: { max: 2 },
    },
    { name: 'load', argv: ['load'], times: { max: 2 } },
  ];
  const inputs = { dump: { of: 'load', stream: 'stdin', from: 'find.dump' } };
  const declared = workflowSchema.parse({
    tasks: {
      t: {
        target: 'web-1',
        by: { groups: ['a'] },
        contract: { does, inputs, onDeviation: how, ...contract },
      },
    },
  }).tasks['t']!;
  const deviations: Deviation[] = [];
  let begun = 0;
  let waiting: DeviationPlace | undefined;
  const task: TaskSession = {
    run: 'run',
    task: 't',
    contract: compileContract(declared, sshShapes),
    facts: {
      inputs: new Map(),
      column: () => undefined,
      stream: () => dumpDigest(),
      digests: new RunDigests(Buffer.alloc(32)),
    },
    begin: () => Promise.resolve(void (begun += 1)),
    elapsedMs: () => 0,
    deviated: (deviation, about) => {
      waiting = about;
      deviations.push(deviation);
      const error = new CustodyError('contract-deviation', 'it does not go on');
      return Promise.resolve(how === 'record' ? { goesOn: true } : { goesOn: false, error, ends: true });
    },
  };
  const ended: Error[] = [];
  const starts = contractStarts({ task, end: (error) => void ended.push(error) });
  const peers = stand(termsOf({ target: TARGET, contract: starts }));
  peers.client(open().done());
  peers.target(confirmation());
  peers.toTarget();
  peers.toClient();
  return { ...peers, deviations, ended, begun: () => begun, waiting: () => waiting };
}

const exec = (command: string): Uint8Array => request('exec').string(command).done();
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const input = (bytes: Uint8Array): Uint8Array =>
  SshWriter.message(Message.data).uint32(TARGETS).string(bytes).done();
const eof = SshWriter.message(Message.eof).uint32(TARGETS).done();
const exit = (status: number): Uint8Array => request('exit-status', false, CLIENT).uint32(status).done();

const kindsOf = (deviations: readonly Deviation[]): string[] => deviations.map(({ kind }) => kind);

describe('a session under a contract', () => {
  it('lets its commands through, once the execution is its own', async () => {
    const session = underContract('stop');
    session.client(exec('refund --id 5'));
    expect(session.toTarget()).toEqual([]);
    await settled();
    expect(session.begun()).toBe(1);
    expect(session.toTarget()).toHaveLength(1);
    expect(session.deviations).toEqual([]);
  });

  it.each([
    ['another command', 'rm -rf /', 'not-in-contract'],
    ['a value out of range', 'refund --id 11', 'value'],
    ['what a shell reads otherwise', 'refund --id 5; id', 'unreadable'],
  ])('keeps from the target %s', async (_, command, kind) => {
    const session = underContract('stop');
    session.client(exec(command));
    await settled();
    expect(kindsOf(session.deviations)).toEqual([kind]);
    expect(session.toTarget()).toEqual([]);
    expect(session.ends).toHaveLength(1);
  });

  it('has no shell and no subsystem', async () => {
    for (const start of [request('shell').done(), request('subsystem').string('sftp').done()]) {
      const session = underContract('stop');
      session.client(start);
      await settled();
      expect(kindsOf(session.deviations)).toEqual(['unreadable']);
      expect(session.toTarget()).toEqual([]);
    }
  });

  it('records, and lets go on, where the contract says so', async () => {
    const session = underContract('record');
    session.client(exec('rm -rf /'));
    await settled();
    expect(kindsOf(session.deviations)).toEqual(['not-in-contract']);
    expect(session.toTarget()).toHaveLength(1);
  });

  it('gives no input that the contract does not have', async () => {
    const session = underContract('stop');
    session.client(exec('refund --id 5'));
    await settled();
    session.toTarget();
    session.client(input(Buffer.from('y\n')));
    await settled();
    expect(kindsOf(session.deviations)).toEqual(['input']);
    expect(session.ended).toHaveLength(1);
    expect(session.toTarget().filter((message) => message[0] === Message.data)).toEqual([]);
  });

  it('gives an input that is an output of before, whole and no other', async () => {
    const session = underContract('stop');
    session.client(exec('load'));
    await settled();
    session.toTarget();
    session.client(input(DUMP.subarray(0, 4)));
    session.client(input(DUMP.subarray(4)));
    expect(session.toTarget()).toEqual([]);
    session.client(eof);
    expect(session.toTarget().map((message) => message[0])).toEqual([
      Message.data,
      Message.data,
      Message.eof,
    ]);
    expect(session.deviations).toEqual([]);
  });

  it.each([
    ['other bytes', Buffer.from('id,amount\n1,6\n')],
    ['more of them', Buffer.concat([DUMP, DUMP])],
    ['fewer', DUMP.subarray(1)],
  ])('keeps an input from the target that has %s', async (_, bytes) => {
    const session = underContract('stop');
    session.client(exec('load'));
    await settled();
    session.toTarget();
    session.client(input(bytes));
    session.client(eof);
    await settled();
    expect(kindsOf(session.deviations)).toEqual(['input']);
    expect(session.ended).toHaveLength(1);
    expect(session.toTarget().filter((message) => message[0] === Message.data)).toEqual([]);
  });

  it('looks at how a program ended', async () => {
    const session = underContract('stop');
    session.client(exec('refund --id 5'));
    await settled();
    session.target(SshWriter.message(Message.success).uint32(CLIENT).done());
    session.target(exit(3));
    await settled();
    expect(session.deviations).toMatchObject([{ kind: 'error', seen: 'it failed (exit 3)' }]);
    expect(session.ended).toHaveLength(1);
  });

  it('says on the error stream what it waits for, and waits no longer than the session lasts', async () => {
    const session = underContract('stop');
    session.client(exec('rm -rf /'));
    session.waiting()!.announce!('a request waits for reviewers', 'custody approve');
    const said = session.toClient().map((message) => Buffer.from(message).toString('latin1'));
    expect(said.join()).toContain('custody: a request waits for reviewers\ncustody: custody approve\n');
    expect(session.waiting()!.signal!.aborted).toBe(false);
    session.connection.end();
    expect(session.waiting()!.signal!.aborted).toBe(true);
    await settled();
  });

  it('sets no variables and forwards nothing', () => {
    const session = underContract('record');
    session.client(request('env').string('LANG').string('C').done());
    session.client(request('auth-agent-req@openssh.com').done());
    expect(session.toTarget()).toEqual([]);
  });
});
