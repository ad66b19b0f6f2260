import type { ActivityOf } from '#core/ocsf/classes.ts';
import type { StepPlace, StepShape } from '#core/ocsf/step-shape.ts';
import type { StepFacts } from '../facts.ts';
import type { ReadStep } from '../reader.ts';
import type { Step } from './step.ts';

const RELATIONAL = 1;
/** Of the object that the activity is about. */
const [DATABASE, TABLE] = [1, 3];

type Activity = ActivityOf<'datastore_activity'>;

/** By the first word of the server's command tag: it says what was done, whatever the statement's text is. */
const BY_TAG: Readonly<Record<string, Activity>> = {
  SELECT: 1,
  FETCH: 1,
  TABLE: 1,
  INSERT: 5,
  MERGE: 5,
  UPDATE: 2,
  ALTER: 2,
  DELETE: 7,
  TRUNCATE: 7,
  DROP: 7,
  CREATE: 6,
};
const BY_KIND: Readonly<Partial<Record<Step['kind'], Activity>>> = {
  login: 3,
  'copy-in': 5,
  'copy-out': 1,
};

/** Every step is one of the database's: its statement where it has one, and the relation where it is about a single one. */
export function postgresEvent(read: ReadStep, facts: StepFacts, { uid, target }: StepPlace): StepShape {
  const step = read.step as Step;
  const relations = [...new Set(facts.relations.map(({ name }) => name))];
  const [table] = relations;
  const isOne = table !== undefined && relations.length === 1;
  return {
    class: 'datastore_activity',
    activity: activityOf(step, facts),
    fields: {
      type_id: isOne ? TABLE : DATABASE,
      type: isOne ? 'Table' : 'Database',
      database: { name: target, type_id: RELATIONAL, type: 'Relational' },
      ...(isOne ? { table: { name: table } } : {}),
      ...(facts.text === undefined ? {} : { query_info: { uid, query_string: facts.text } }),
    },
  };
}

function activityOf({ kind, tag }: Step, { isWrite, text }: StepFacts): Activity {
  const known = BY_KIND[kind] ?? BY_TAG[tag?.split(' ')[0] ?? ''];
  if (known !== undefined) return known;
  if (isWrite) return 5;
  return text === undefined ? 99 : 4;
}
