/** What is found out before the data connection of an upload is used. */
import type { KeepAs, UploadOptions } from '../../peers/replica-set-api.ts';

export interface UploadPlan {
  readonly path: string;
  readonly options: UploadOptions;
  /** Text of the 150. */
  readonly opening: string;
  /** It has nothing to do with what broke off before: that goes as soon as this one begins. */
  readonly anew?: boolean;
  /** What becomes of it when the client is lost; null: nothing of it is kept. */
  readonly keep: KeepAs | null;
}
