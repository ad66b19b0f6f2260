/** The classes of OCSF 1.9.0 that Custody writes, with the activities that it uses. https://schema.ocsf.io/1.9.0/classes */

interface ClassOf {
  readonly uid: number;
  readonly caption: string;
  readonly category: readonly [uid: number, caption: string];
  readonly activities: Readonly<Record<number, string>>;
}

const SYSTEM = [1, 'System Activity'] as const;
const FINDINGS = [2, 'Findings'] as const;
const IAM = [3, 'Identity & Access Management'] as const;
const NETWORK = [4, 'Network Activity'] as const;
const APPLICATION = [6, 'Application Activity'] as const;

/** By the names that the schema has for them; the partition of an event in a bucket is called so too. */
export const CLASSES = {
  file_activity: {
    ...{ uid: 1001, caption: 'File System Activity', category: SYSTEM },
    activities: {
      1: 'Create',
      2: 'Read',
      3: 'Update',
      4: 'Delete',
      5: 'Rename',
      6: 'Set Attributes',
      8: 'Get Attributes',
      99: 'Other',
    },
  },
  process_activity: {
    ...{ uid: 1007, caption: 'Process Activity', category: SYSTEM },
    activities: { 1: 'Launch', 99: 'Other' },
  },
  detection_finding: {
    ...{ uid: 2004, caption: 'Detection Finding', category: FINDINGS },
    activities: { 1: 'Create' },
  },
  authentication: {
    ...{ uid: 3002, caption: 'Authentication', category: IAM },
    activities: { 1: 'Logon', 2: 'Logoff' },
  },
  authorize_session: {
    ...{ uid: 3003, caption: 'Authorize Session', category: IAM },
    activities: { 1: 'Assign Privileges' },
  },
  ssh_activity: {
    ...{ uid: 4007, caption: 'SSH Activity', category: NETWORK },
    activities: {
      1: 'Open',
      2: 'Close',
      4: 'Fail',
      5: 'Refuse',
      6: 'Traffic',
      7: 'Listen',
      99: 'Other',
    },
  },
  tunnel_activity: {
    ...{ uid: 4014, caption: 'Tunnel Activity', category: NETWORK },
    activities: { 1: 'Open', 99: 'Other' },
  },
  api_activity: {
    ...{ uid: 6003, caption: 'API Activity', category: APPLICATION },
    activities: { 1: 'Create', 2: 'Read', 3: 'Update', 4: 'Delete', 99: 'Other' },
  },
  datastore_activity: {
    ...{ uid: 6005, caption: 'Datastore Activity', category: APPLICATION },
    activities: {
      1: 'Read',
      2: 'Update',
      3: 'Connect',
      4: 'Query',
      5: 'Write',
      6: 'Create',
      7: 'Delete',
      99: 'Other',
    },
  },
} as const satisfies Readonly<Record<string, ClassOf>>;

export type EventClass = keyof typeof CLASSES;

/** One activity of one class, so that no event has one that its class does not know. */
export type ActivityOf<C extends EventClass> = keyof (typeof CLASSES)[C]['activities'] & number;

/** What names a class and an activity in an event. Throws nothing: an activity without a caption has none. */
export function classFields(name: EventClass, activity: number) {
  const { uid, caption, category, activities }: ClassOf = CLASSES[name];
  const activityName = activities[activity] ?? 'Other';
  return {
    category_uid: category[0],
    category_name: category[1],
    class_uid: uid,
    class_name: caption,
    activity_id: activity,
    activity_name: activityName,
    type_uid: uid * 100 + activity,
    type_name: `${caption}: ${activityName}`,
  };
}
