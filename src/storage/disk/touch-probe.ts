/** What modification time this file system keeps for a given one: it may round or clamp. */
import { closeSync, lstatSync, openSync, unlinkSync, utimesSync } from 'node:fs';

/** Nanoseconds, decimal. `scratch`: a free path on the volume. */
export function probeMtimeNs(scratch: string, mtimeMs: number): string {
  closeSync(openSync(scratch, 'wx'));
  try {
    utimesSync(scratch, mtimeMs / 1000, mtimeMs / 1000);
    return String(lstatSync(scratch, { bigint: true }).mtimeNs);
  } finally {
    unlinkSync(scratch);
  }
}
