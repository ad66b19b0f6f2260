import type { DeploymentConfig } from '#cdk/config.ts';
import type { Ask } from '../aws/ask.ts';
import { type Finding, good, unknown, warning } from '../findings/finding.ts';

interface Trail {
  readonly Name?: string;
  readonly TrailARN?: string;
  readonly HomeRegion?: string;
  readonly IsMultiRegionTrail?: boolean;
}

const WHY = 'changes of keys, policies and functions around the stack ring only where one hears of them';

/**
 * EventBridge hears of calls to AWS from a trail alone.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
export async function trailFindings({ region }: DeploymentConfig, ask: Ask): Promise<readonly Finding[]> {
  const about = 'CloudTrail';
  const answer = await ask<{ readonly trailList?: readonly Trail[] }>('cloudtrail', 'describe-trails');
  if ('refused' in answer) return [unknown(about, answer.refused.words)];
  const here = (answer.found.trailList ?? []).filter(
    ({ HomeRegion, IsMultiRegionTrail }) =>
      IsMultiRegionTrail || region === undefined || HomeRegion === region,
  );
  if (here.length === 0)
    return [
      warning(about, 'no trail sees this region', {
        why: WHY,
        todo: 'aws cloudtrail create-trail, and start-logging',
      }),
    ];
  const lacks = await Promise.all(here.map((trail) => lackOf(trail, ask)));
  const hearing = here.find((_, at) => lacks[at] === undefined);
  if (hearing !== undefined) return [good(about, `the trail ${hearing.Name} hears of changes`)];
  return here.map(({ Name }, at) =>
    warning(about, `the trail ${Name} ${lacks[at]!.what}`, { why: WHY, todo: lacks[at]!.todo }),
  );
}

interface Lack {
  readonly what: string;
  readonly todo: string;
}

async function lackOf({ TrailARN, Name = '' }: Trail, ask: Ask): Promise<Lack | undefined> {
  const id = TrailARN ?? Name;
  const [status, selectors] = await Promise.all([
    ask<{ readonly IsLogging?: boolean }>('cloudtrail', 'get-trail-status', '--name', id),
    ask<Selectors>('cloudtrail', 'get-event-selectors', '--trail-name', id),
  ]);
  if ('found' in status && status.found.IsLogging !== true)
    return { what: 'does not log', todo: `aws cloudtrail start-logging --name ${id}` };
  if ('found' in selectors && !hearsOfChanges(selectors.found))
    return {
      what: 'hears of no management events that change something',
      todo: `aws cloudtrail put-event-selectors --trail-name ${id}`,
    };
  return undefined;
}

interface Selectors {
  readonly EventSelectors?: readonly {
    readonly IncludeManagementEvents?: boolean;
    readonly ReadWriteType?: string;
  }[];
  readonly AdvancedEventSelectors?: readonly { readonly FieldSelectors?: readonly FieldSelector[] }[];
}

interface FieldSelector {
  readonly Field?: string;
  readonly Equals?: readonly string[];
  readonly NotEquals?: readonly string[];
}

/** https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html */
function hearsOfChanges({ EventSelectors = [], AdvancedEventSelectors = [] }: Selectors): boolean {
  // A trail that nobody told otherwise hears of all of them.
  if (EventSelectors.length === 0 && AdvancedEventSelectors.length === 0) return true;
  const basic = EventSelectors.some(
    ({ IncludeManagementEvents = true, ReadWriteType = 'All' }) =>
      IncludeManagementEvents && ReadWriteType !== 'ReadOnly',
  );
  const advanced = AdvancedEventSelectors.some(({ FieldSelectors = [] }) => {
    const of = (field: string) => FieldSelectors.find(({ Field }) => Field === field);
    const isRead = of('readOnly')?.Equals?.includes('true') === true;
    const skipsKeys = of('eventSource')?.NotEquals?.includes('kms.amazonaws.com') === true;
    return of('eventCategory')?.Equals?.includes('Management') === true && !isRead && !skipsKeys;
  });
  return basic || advanced;
}
