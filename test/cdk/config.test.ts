import { describe, expect, it } from 'vitest';
import { readDeploymentConfig } from '#cdk/config.ts';
import { CustodyError } from '#core/errors.ts';
import { MINIMAL } from '#test/support/stacks.ts';

function refusal(settings: unknown): CustodyError {
  try {
    readDeploymentConfig(settings);
  } catch (error) {
    if (error instanceof CustodyError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

const { gateway } = MINIMAL;

describe('the settings of a deployment', () => {
  it('need a host name, a certificate and networks, and have defaults for the rest', () => {
    expect(readDeploymentConfig(MINIMAL)).toMatchObject({
      stackName: 'Custody',
      gateway: { port: 5432, reach: 'internal' },
      network: { issuerAccess: 'nat', natGateways: 1 },
      tasks: { min: 2, max: 10, cpu: 1024, memoryMiB: 2048, architecture: 'arm64' },
      drain: 1800,
      recordings: { lock: 'governance', days: 365, acknowledgeCompliance: false },
    });
  });

  it.each<[settings: object | undefined, ...says: string[]]>([
    [undefined, 'context.custody: found nothing', 'cdk/README.md'],
    [{}, 'context.custody.gateway: found nothing, expected an object', 'add it in cdk.json'],
    [{ ...MINIMAL, gatewy: {} }, 'there is no key "gatewy"', 'correct its name'],
    [
      { ...MINIMAL, gateway: { ...gateway, hostname: 'https://x' } },
      'custody.gateway.hostname: found "https://x", expected a host name such as gateway.example.com',
      'correct it in cdk.json',
    ],
    [
      { ...MINIMAL, gateway: { ...gateway, tlsSecret: undefined } },
      'custody.gateway.tlsSecret: found nothing, expected the name or ARN of a secret',
    ],
    [
      { ...MINIMAL, gateway: { ...gateway, clients: [] } },
      'gateway.clients: found [], expected at least one',
    ],
    [
      { ...MINIMAL, gateway: { ...gateway, clients: ['10.0.0.0/8', 'home'] } },
      'gateway.clients.1: found "home", expected a network such as 10.0.0.0/8',
    ],
    [
      { ...MINIMAL, gateway: { ...gateway, reach: 'public' } },
      'gateway.reach: found "public", expected internal or internet',
    ],
    [{ ...MINIMAL, drain: '2h' }, 'custody.drain: found "2h", expected a time from 1m to 1h'],
    [{ ...MINIMAL, drain: '30s' }, 'custody.drain: found "30s", expected a time from 1m to 1h'],
    [
      { ...MINIMAL, account: 123456789012 },
      'custody.account: found 123456789012, expected twelve digits, in quotes',
    ],
    [
      { ...MINIMAL, tasks: { sessionsEach: 100, maxSessions: 99 } },
      'tasks.maxSessions: found 99, expected at least as many as sessionsEach',
    ],
    [{ ...MINIMAL, tasks: { min: 3, max: 2 } }, 'tasks.max: found 2, expected at least as many as min'],
    [
      { ...MINIMAL, tasks: { cpu: 512, memoryMiB: 8192 } },
      'tasks.memoryMiB: found 8192, expected a size that Fargate',
    ],
    [
      { ...MINIMAL, image: 'registry.example.com/custody:0.1.0' },
      'custody.image: found "registry.example.com/custody:0.1.0", expected an image by its digest',
      'a tag may name another image tomorrow',
    ],
    [{ ...MINIMAL, tasks: { cpu: 300 } }, 'tasks.cpu: found 300, expected 512, 1024, 2048 or 4096'],
    [
      { ...MINIMAL, gateway: { ...gateway, clients: ['10.0.0.0/8', '2001:db8::/32'] } },
      'gateway.clients.1: found "2001:db8::/32", expected an IPv4 network: the load balancer',
    ],
    [
      { ...MINIMAL, network: { subnetIds: { private: ['subnet-0123456789abcdef0'], front: [] } } },
      'network.subnetIds.private: found ["subnet-0123456789abcdef0"], expected subnets of two zones',
    ],
    [
      {
        ...MINIMAL,
        network: { securityGroupIds: { tasks: 'sg-0123456789abcdef0', front: 'sg-0123456789abcdef1' } },
      },
      'network.vpcId: found nothing, expected it beside network.securityGroupIds',
    ],
    [{ ...MINIMAL, network: { vpcId: 'vpc-1' } }, 'network.vpcId: found "vpc-1", expected the id of a VPC'],
    [
      { ...MINIMAL, network: { vpcId: 'vpc-0123456789abcdef0' } },
      'custody.account: found nothing, expected it beside network.vpcId',
    ],
    [
      { ...MINIMAL, alarms: { iamChanges: true } },
      'custody.account: found nothing, expected it beside alarms.iamChanges',
    ],
    [
      { ...MINIMAL, account: '123456789012', region: 'us-east-1', alarms: { iamChanges: true } },
      'alarms.iamChanges: found true, expected false in us-east-1',
    ],
    [{ ...MINIMAL, alarms: { emails: ['me'] } }, 'alarms.emails.0: found "me", expected an e-mail address'],
    [
      { ...MINIMAL, recordings: { days: 0 } },
      'recordings.days: found 0, expected a whole number from 1 to 36500',
    ],
    [
      { ...MINIMAL, targets: { orders: { securityGroupId: 'x' } } },
      'targets.orders.securityGroupId: found "x"',
    ],
  ])('refuse %j and say what to do', (settings, ...says) => {
    const { code, message, hint = '' } = refusal(settings);
    expect(code).toBe('config-invalid');
    expect(message).toContain('cdk.json: context.custody');
    for (const part of says) expect(`${message} ${hint}`).toContain(part);
  });

  it('take a compliance lock only from somebody who says to know what it is', () => {
    const recordings = { lock: 'compliance' };
    const { message, hint } = refusal({ ...MINIMAL, recordings });
    expect(message).toContain('context.custody.recordings.lock: found compliance');
    expect(message).toContain('acknowledgeCompliance: true');
    expect(hint).toContain('nobody can delete a recording');
    const acknowledged = { ...recordings, acknowledgeCompliance: true };
    expect(readDeploymentConfig({ ...MINIMAL, recordings: acknowledged }).recordings.lock).toBe('compliance');
  });
});
