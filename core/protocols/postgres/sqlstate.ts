import type { CustodyError, ErrorCode } from '#core/errors.ts';
import { errorResponse } from './backend.ts';
import { Backend } from './messages.ts';
import { concat, cstring } from './wire.ts';

interface SqlError {
  /** FATAL: the session ends with it. */
  readonly severity: 'FATAL';
  readonly sqlstate: string;
}

/** Appendix A of the PostgreSQL manual, "PostgreSQL Error Codes", names each. */
const SQLSTATES: Readonly<Record<ErrorCode, string>> = {
  'tls-required': '28000', // invalid_authorization_specification
  'protocol-violation': '08P01', // protocol_violation
  unsupported: '0A000', // feature_not_supported
  'too-slow': '57014', // query_canceled, as the server's own authentication_timeout
  'user-missing': '28000',
  'token-missing': '28P01', // invalid_password
  'token-invalid': '28P01',
  'issuer-unreachable': '08001', // sqlclient_unable_to_establish_sqlconnection
  'not-approved': '42501',
  'contract-deviation': 'UC001', // of a class of our own, so that a program can tell them from the target's

  'task-refused': 'UC002',
  'transaction-failed': '25P02', // in_failed_sql_transaction
  'access-denied': '42501', // insufficient_privilege
  'evidence-redacted': '42501', // insufficient_privilege
  'approval-required': '42501',
  'access-expired': '57P01', // admin_shutdown
  'access-revoked': '57P01',
  'precondition-failed': '55000', // object_not_in_prerequisite_state
  'too-many-failures': '53400', // configuration_limit_exceeded
  'peer-left': '08006', // connection_failure
  'target-unknown': '3D000', // invalid_catalog_name
  'target-unreachable': '08001', // sqlclient_unable_to_establish_sqlconnection
  'target-refused': '08004', // sqlserver_rejected_establishment_of_sqlconnection
  'target-lost': '08006',
  'recording-failed': '58030', // io_error
  'store-unavailable': '58030',
  'not-ready': '57P03',
  draining: '57P03', // cannot_connect_now
  'too-many-connections': '53300', // too_many_connections
  'task-fenced': '57P01', // admin_shutdown
  terminated: '57P01', // admin_shutdown
  'not-found': '42704', // undefined_object
  conflict: '40001', // serialization_failure
  'already-exists': '42710', // duplicate_object
  'config-invalid': 'F0000', // config_file_error
  'state-damaged': 'XX001', // data_corrupted
  'format-invalid': 'XX001',
  'ledger-altered': 'XX001',
  'delivery-failed': '58000', // system_error
  internal: 'XX000', // internal_error
};

/** What an error of the gateway is to a PostgreSQL client. All end the session. */
function sqlErrorOf(code: ErrorCode): SqlError {
  return { severity: 'FATAL', sqlstate: SQLSTATES[code] };
}

/**
 * The ErrorResponse a client sees: message and hint, never the operator's detail. `severity`: ERROR where the session goes on.
 */
export function errorResponseFor(error: CustodyError, severity: 'ERROR' | 'FATAL' = 'FATAL'): Uint8Array {
  return errorResponse({
    sqlstate: sqlErrorOf(error.code).sqlstate,
    severity,
    message: error.message,
    hint: error.hint,
  });
}

/** The same for protocol 1 and 2, where an error is a line of text: what the server still says to so old a client. */
export function oldErrorResponseFor(error: CustodyError): Uint8Array {
  const { severity } = sqlErrorOf(error.code);
  return concat([Uint8Array.of(Backend.errorResponse), cstring(`${severity}:  ${error.message}\n`)]);
}
