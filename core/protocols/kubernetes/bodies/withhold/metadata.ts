/** Metadata of what is withheld. Annotations have copies of whole objects: kubectl's last-applied-configuration, and others' of the kind. */
import { type BodyValue, isList, isObject } from '../value.ts';
import { kept, marked } from './marks.ts';

const NAMES = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'finalizers',
  'selfLink',
  // Of lists.
  'continue',
  'remainingItemCount',
];

const ANNOTATIONS = [
  'kubernetes.io/service-account.name',
  'kubernetes.io/service-account.uid',
  'meta.helm.sh/release-name',
  'meta.helm.sh/release-namespace',
];

const OWNER = ['apiVersion', 'kind', 'name', 'uid', 'controller', 'blockOwnerDeletion'];
/** Not fieldsV1: of a list that is a set it has the elements themselves. */
const MANAGER = ['manager', 'operation', 'apiVersion', 'time', 'fieldsType', 'subresource'];

export function markedMetadata(metadata: BodyValue): BodyValue {
  if (!isObject(metadata)) return marked(metadata);
  return kept(metadata, NAMES, {
    labels: (labels) => (isObject(labels) ? kept(labels, Object.keys(labels)) : marked(labels)),
    annotations: (annotations) =>
      isObject(annotations) ? kept(annotations, ANNOTATIONS) : marked(annotations),
    ownerReferences: (owners) => each(owners, OWNER),
    managedFields: (managers) => each(managers, MANAGER),
  });
}

function each(list: BodyValue, names: readonly string[]): BodyValue {
  if (!isList(list)) return marked(list);
  return list.map((one) => (isObject(one) ? kept(one, names) : marked(one)));
}
