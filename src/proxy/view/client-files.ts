/** What of the members' files one session works with: a view of them by account (files-for.ts). */
import type { ReplicaSet } from '../../peers/replica-set-api.ts';

/** No accounts: a client can neither read nor change them, whatever a command does. */
export type ClientFiles = Pick<
  ReplicaSet,
  'lookup' | 'lookupInFolder' | 'list' | 'read' | 'startUpload' | 'parts' | 'change' | 'members' | 'freeBytes'
>;

export type Change = Parameters<ReplicaSet['change']>[0];

/** 550. */
export class PermissionDenied extends Error {
  override readonly name = 'PermissionDenied';
  constructor() {
    super('Permission denied.');
  }
}

/** 552. */
export class QuotaExceeded extends Error {
  override readonly name = 'QuotaExceeded';
}
