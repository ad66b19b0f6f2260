import { describe, expect, it } from 'vitest';
import { eventMatches } from './event-pattern.ts';

/** Of AWS's pages about patterns and their operators, in its own words. */
const VECTORS: readonly [what: string, pattern: object, event: object, matches: boolean][] = [
  [
    'an instance that terminated',
    { source: ['aws.ec2'], detail: { state: ['terminated'] } },
    { source: 'aws.ec2', detail: { state: 'terminated', 'instance-id': 'i-1' } },
    true,
  ],
  [
    'one that runs',
    { source: ['aws.ec2'], detail: { state: ['terminated'] } },
    { source: 'aws.ec2', detail: { state: 'running' } },
    false,
  ],
  [
    'an array of an event, any of it',
    { resources: ['arn:b', 'arn:c'] },
    { resources: ['arn:a', 'arn:b'] },
    true,
  ],
  ['an array without it', { resources: ['arn:c'] }, { resources: ['arn:a', 'arn:b'] }, false],
  ['a prefix', { time: [{ prefix: '2017-10-02' }] }, { time: '2017-10-02T18:43:48Z' }, true],
  ['a suffix', { FileName: [{ suffix: '.png' }] }, { FileName: 'a.png' }, true],
  ['another suffix', { FileName: [{ suffix: '.png' }] }, { FileName: 'a.jpg' }, false],
  [
    'anything but',
    { detail: { state: [{ 'anything-but': 'initializing' }] } },
    { detail: { state: 'running' } },
    true,
  ],
  [
    'anything but that very one',
    { detail: { state: [{ 'anything-but': 'initializing' }] } },
    { detail: { state: 'initializing' } },
    false,
  ],
  ['anything but, of nothing', { detail: { state: [{ 'anything-but': 'x' }] } }, { detail: {} }, false],
  ['what is there', { detail: { state: [{ exists: true }] } }, { detail: { state: 'x' } }, true],
  ['what is not there', { detail: { 'c-count': [{ exists: false }] } }, { detail: { 'd-count': 1 } }, true],
  [
    'what is not there, under what is not there',
    { detail: { data: { count: [{ exists: false }] } } },
    { detail: {} },
    true,
  ],
  [
    'a wildcard',
    { detail: { EventBusArn: [{ wildcard: 'arn:aws:events:us-east-1:*:event-bus/*' }] } },
    { detail: { EventBusArn: 'arn:aws:events:us-east-1:123456789012:event-bus/own' } },
    true,
  ],
  [
    'a wildcard from its beginning on',
    { detail: { path: [{ wildcard: 'dir/*' }] } },
    { detail: { path: 'a/dir/b' } },
    false,
  ],
  [
    'one of several fields',
    { detail: { $or: [{ 'c-count': [1] }, { 'd-count': [2] }] } },
    { detail: { 'c-count': 0, 'd-count': 2 } },
    true,
  ],
  [
    'none of several fields',
    { detail: { $or: [{ 'c-count': [1] }, { 'd-count': [2] }] } },
    { detail: { 'c-count': 0, 'd-count': 0 } },
    false,
  ],
  [
    'several fields, all of them',
    { Location: ['New York'], Day: ['Monday'] },
    { Location: 'New York' },
    false,
  ],
];

describe('the judge of event patterns', () => {
  it.each(VECTORS)('knows %s', (_what, pattern, event, matches) => {
    expect(eventMatches(pattern as Record<string, unknown>, event)).toBe(matches);
  });

  it('says what it does not know', () => {
    expect(() => eventMatches({ n: [{ numeric: ['>', 1] }] }, { n: 2 })).toThrow('numeric');
  });
});
