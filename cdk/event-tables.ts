/** The tables that Athena has of events (core/ocsf/FORMAT.md), and the columns by which they are asked. No value of AWS's is in here. */
export interface EventTable {
  /** Its folder in the bucket is called so too. */
  readonly name: 'events' | 'steps';
  readonly description: string;
  /** Name and Hive type; a member of a JSON line is found by its name, and one that has no column is left. */
  readonly columns: readonly (readonly [name: string, type: string])[];
  readonly partitions: readonly (readonly [name: string, type: string])[];
  readonly projection: Readonly<Record<string, string>>;
}

/** https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html: no crawler, and no partition to add. */
const DAYS = {
  'projection.day.type': 'date',
  'projection.day.format': 'yyyy-MM-dd',
  'projection.day.range': '2026-01-01,NOW+1DAY',
} as const;

const CLASSES = [
  'file_activity',
  'process_activity',
  'detection_finding',
  'authentication',
  'authorize_session',
  'ssh_activity',
  'tunnel_activity',
  'api_activity',
  'datastore_activity',
];

const FINGERPRINT = 'struct<algorithm_id:int,value:string>';
const USER = 'struct<uid:string,name:string,email_addr:string>';
const ENDPOINT = 'struct<name:string,hostname:string,ip:string,port:int,svc_name:string>';
const FILE =
  'struct<name:string,path:string,type_id:int,size:bigint,hashes:array<struct<algorithm_id:int,value:string>>>';

/** What OCSF has no place for, by our own names. */
const UNMAPPED = [
  'session:string,step:bigint,kind:string,at_us:bigint,took_us:bigint,started_at:string',
  'person:string,issuer:string,actors:array<string>,client:string,target:string,protocol:string,login:string,rule:string,request:string',
  'workflow:string,workflow_digest:string,run:string,task:string,trace:string,device_key:string,certificate:string',
  'is_error:boolean,is_write:boolean,text:string,runs:string,shape:string',
  'relations:array<struct<name:string,how:string>>,functions:array<string>',
  'files:array<struct<path:string,how:string,bytes:bigint,sha256:string>>,values:array<string>,codes:array<string>,cut:array<string>',
  'rows_out:bigint,rows_written:bigint,bytes_sent:bigint,bytes_received:bigint,note:string',
  'reason:string,recovered:boolean,steps:bigint,segments:bigint,frames:bigint,bytes:bigint',
  'open_sha256:string,close_sha256:string,last_sha256:string,signer:string',
].join(',');

export const EVENT_TABLES: readonly EventTable[] = [
  {
    name: 'events',
    description: 'Custody: OCSF 1.9.0 events, of which each step of a session is one',
    columns: [
      ['time', 'bigint'],
      ['start_time', 'bigint'],
      ['end_time', 'bigint'],
      ['duration', 'bigint'],
      ['category_uid', 'int'],
      ['class_uid', 'int'],
      ['class_name', 'string'],
      ['activity_id', 'int'],
      ['activity_name', 'string'],
      ['type_uid', 'bigint'],
      ['severity_id', 'int'],
      ['severity', 'string'],
      ['status_id', 'int'],
      ['status', 'string'],
      ['status_code', 'string'],
      ['status_detail', 'string'],
      ['message', 'string'],
      ['exit_code', 'int'],
      [
        'metadata',
        'struct<uid:string,correlation_uid:string,version:string,sequence:bigint,event_code:string,profiles:array<string>,product:struct<name:string,version:string>>',
      ],
      ['actor', `struct<user:${USER},app_name:string,session:struct<uid:string,issuer:string>>`],
      ['ai_agent', 'struct<uid:string,name:string>'],
      ['src_endpoint', ENDPOINT],
      ['dst_endpoint', ENDPOINT],
      ['device', 'struct<name:string,hostname:string,ip:string>'],
      ['database', 'struct<name:string>'],
      ['table', 'struct<name:string>'],
      ['query_info', 'struct<uid:string,query_string:string>'],
      ['api', 'struct<operation:string,version:string,request:struct<uid:string>,response:struct<code:int>>'],
      ['http_request', 'struct<http_method:string,user_agent:string,url:struct<path:string>>'],
      ['resources', 'array<struct<type:string,name:string,namespace:string>>'],
      ['process', 'struct<uid:string,name:string,cmd_line:string>'],
      ['file', FILE],
      ['file_result', FILE],
      ['tunnel_type', 'string'],
      ['traffic', 'struct<bytes:bigint,bytes_in:bigint,bytes_out:bigint>'],
      ['is_alert', 'boolean'],
      ['finding_info', 'struct<uid:string,title:string,`desc`:string,types:array<string>>'],
      [
        'attestation',
        `struct<authority_uid:string,chain_uid:string,fingerprint:${FINGERPRINT},prev_event:struct<uid:string,type_uid:bigint,fingerprint:${FINGERPRINT}>>`,
      ],
      ['unmapped', `struct<${UNMAPPED}>`],
    ],
    partitions: [
      ['class', 'string'],
      ['day', 'string'],
    ],
    projection: {
      ...DAYS,
      'projection.class.type': 'enum',
      'projection.class.values': CLASSES.join(','),
    },
  },
  {
    name: 'steps',
    description: 'Custody: what is searched of the steps of sessions, by the day on which these began',
    columns: [
      ['session', 'string'],
      ['step', 'bigint'],
      ['at', 'bigint'],
      ['rules', 'string'],
      ['target', 'string'],
      ['protocol', 'string'],
      ['issuer', 'string'],
      ['subject', 'string'],
      ['email', 'string'],
      ['actors', 'array<string>'],
      ['approved_by', 'array<string>'],
      ['outcome', 'string'],
      ['workflow', 'string'],
      ['run', 'string'],
      ['task', 'string'],
      ['device', 'string'],
      ['device_name', 'string'],
      ['is_error', 'boolean'],
      ['is_write', 'boolean'],
      ['words', 'string'],
      ['about', 'string'],
      ['facts', 'string'],
    ],
    partitions: [['day', 'string']],
    projection: DAYS,
  },
];
