import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { KEPT } from '../kept.ts';

/** An encrypted log, kept for a year, that outlives its stack. */
export function encryptedLog(scope: Construct, id: string, encryptionKey: IKey): LogGroup {
  return new LogGroup(scope, id, {
    encryptionKey,
    retention: RetentionDays.ONE_YEAR,
    removalPolicy: KEPT,
  });
}
