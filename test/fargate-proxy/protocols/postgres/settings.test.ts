import { describe, expect, it } from 'vitest';
import { encodeStartup, readStartup, type StartupMessage } from '#core/protocols/postgres/startup.ts';
import {
  gatewaySettings,
  namedTarget,
  namedTask,
  optionsForTarget,
} from '#proxy/protocols/postgres/settings.ts';

/** A client's startup, as the gateway reads it. */
function asked(...parameters: readonly (readonly [string, string | Uint8Array])[]): StartupMessage {
  return readStartup(encodeStartup({ minor: 0, parameters })) as StartupMessage;
}

const settings = (...more: readonly (readonly [string, string | Uint8Array])[]) =>
  Object.fromEntries(gatewaySettings(asked(['user', 'dana'], ...more).given));

describe('what a client tells the gateway', () => {
  it('stands in options, or is a parameter of its own, in any case', () => {
    expect(settings(['options', '-c custody.reason=fix\\ it -c CUSTODY.Ticket=T-1'])).toEqual({
      reason: 'fix it',
      ticket: 'T-1',
    });
    expect(settings(['custody.reason', 'fix it'], ['Custody.TICKET', 'T-1'])).toEqual({
      reason: 'fix it',
      ticket: 'T-1',
    });
  });

  it('counts as at the server: the last one, and a parameter more than options', () => {
    expect(settings(['custody.reason', 'mine'], ['options', '-c custody.reason=theirs'])).toEqual({
      reason: 'mine',
    });
    expect(settings(['options', '-c custody.reason=a'], ['options', '-c custody.reason=b'])).toEqual({
      reason: 'b',
    });
    expect(settings(['custody.reason', 'a'], ['custody.reason', 'b'])).toEqual({ reason: 'b' });
  });

  it('is text, whatever bytes it has', () => {
    expect(settings(['custody.reason', 'für Zoë'])['reason']).toBe('für Zoë');
    expect(settings(['custody.reason', Buffer.from('f\xfcr', 'latin1')])['reason']).toBe('f\ufffdr');
    expect(settings(['options', '-c custody.reason=für'])['reason']).toBe('für');
  });

  it('is not for the target', () => {
    const { given } = asked(['user', 'dana'], ['options', '-c a=\xe9 -c custody.reason=x']);
    expect(Buffer.from(optionsForTarget(given).rest, 'latin1').toString()).toBe('-c a=\xe9');
  });
});

describe('the target that a client names', () => {
  it.each<[user: string, database: string | undefined, options: string, target: string]>([
    ['dana', 'orders', '', 'orders'],
    ['dana', undefined, '', 'dana'],
    ['dana', '', '', 'dana'],
    ['dana+orders-db', undefined, '', 'orders-db'],
    ['dana+orders-db', 'dana+orders-db', '', 'orders-db'],
    ['dana+orders_db', 'replication', '', 'orders_db'],
    ['dana@example.com+orders_eu', 'postgres', '', 'orders_eu'],
    ['dana+work@example.com', 'orders', '', 'orders'],
    ['dana+a+b', 'orders', '', 'b'],
    ['dana+', 'orders', '', 'orders'],
    ['dana+Orders', 'orders', '', 'orders'],
    ['dana+orders.eu', 'orders', '', 'orders'],
    ['dana', 'replication', '-c custody.target=orders', 'orders'],
    ['dana+other', 'postgres', '--custody.target=orders', 'orders'],
  ])('%j, database %j, options %j: %s', (user, database, options, target) => {
    const startup = asked(
      ['user', user],
      ...(database === undefined ? [] : [['database', database] as const]),
      ['options', options],
    );
    expect(namedTarget(startup, gatewaySettings(startup.given))).toBe(target);
  });

  it('is nobody else by a trick with bytes: what is not UTF-8 names no target', () => {
    const startup = asked(['user', 'dana'], ['database', Buffer.from('orders\xff', 'latin1')]);
    expect(namedTarget(startup, new Map())).toBe('orders\ufffd');
  });
});

describe('the task of a run that a client names', () => {
  const task = (...more: readonly (readonly [string, string | Uint8Array])[]) =>
    namedTask(gatewaySettings(asked(['user', 'dana'], ...more).given));

  it('is in its options or in parameters of its own, and in neither of most', () => {
    expect(task(['options', '-c custody.run=R -c custody.task=find'])).toEqual({ run: 'R', task: 'find' });
    expect(task(['custody.run', 'R'], ['options', '-c custody.task=find'])).toEqual({
      run: 'R',
      task: 'find',
    });
    expect(task(['options', '-c custody.reason=x'])).toBeUndefined();
  });

  it('is named by both: one alone is no task that there is, and not passed over', () => {
    expect(task(['custody.run', 'R'])).toEqual({ run: 'R', task: '' });
    // A script whose variables are not set does not come as no task.
    expect(task(['options', '-c custody.run= -c custody.task='])).toEqual({ run: '', task: '' });
    expect(task(['custody.task', 'find'])).toEqual({ run: '', task: 'find' });
  });

  it('never reaches the target', () => {
    const { given } = asked(
      ['user', 'dana'],
      ['options', '-c custody.run=R -c a=b -c custody.traceparent=T'],
    );
    expect(optionsForTarget(given).rest.trim()).toBe('-c a=b');
  });
});
