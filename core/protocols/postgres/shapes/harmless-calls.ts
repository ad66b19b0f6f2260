import { BUILT_IN } from '#core/replay/postgres/sql/built-in.ts';

/** Functions of the server's own that change something, or let something else run. */
const CHANGES = new Set(
  `nextval setval popen pclose lo_close lo_creat lo_create lo_export lo_from_bytea lo_import lo_open lo_put lo_truncate
  lo_truncate64 lo_unlink lowrite pg_notify pg_promote pg_reload_conf pg_rotate_logfile pg_switch_wal`.split(
    /\s+/,
  ),
);
/** Of `pg_…` functions those that only look; whatever else begins so may change something. */
const LOOKS = new RegExp(
  `^pg_(?:${[
    'get_.*|.*_is_visible|.*_size|stat_get_.*|stat_file|stat_have_stats|current_.*|is_.*|ls_.*|read_.*|show_.*|timezone_.*',
    'available_.*|backend_pid|basetype|blocking_pids|char_to_encoding|client_encoding|collation_.*|column_.*|conf_load_time',
    'config|control_.*|cursor|database_.*|describe_object|encoding_.*|filenode_relation|function_is_visible|has_role|hba_.*',
    'ident_.*|identify_.*|index.*|input_.*|jit_available|last_.*|listening_channels|lock_status|lsn.*|mcv_list_items',
    'my_temp_schema|notification_queue_usage|numa_available|options_to_table|partition_.*|postmaster_start_time',
    'prepared_.*|relation_.*|safe_snapshot_blocking_pids|sequence_.*|settings_get_flags|size_.*|sleep.*|snapshot_.*',
    'split_walfile_name|table_is_visible|tablespace_.*|trigger_depth|typeof|visible_in_snapshot|wal_lsn_diff|walfile_.*',
    'xact_.*|(?:try_)?advisory_.*|logical_slot_peek_.*|isolation_.*|extension_.*|event_trigger_.*',
  ].join('|')})$`,
);

/**
 * Whether a call by a bare name leaves the target as it is: `false` for one of the server's own that does not, `unknown` for a
 * function that it does not bring.
 */
export function isHarmlessCall(name: string): boolean | 'unknown' {
  if (LOOKS.test(name)) return true;
  if (!BUILT_IN.has(name)) return name.startsWith('pg_') ? false : 'unknown';
  return !name.startsWith('pg_') && !CHANGES.has(name);
}
