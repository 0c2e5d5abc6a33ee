/** --max-upload-bytes: the whole file counts, with what was there before a REST or an APPE. */
import type { Upload } from '../../peers/replica-set-api.ts';
import { CommandRefused } from '../error-reply.ts';
import type { Session } from '../session.ts';

/** 552, and nothing of it is kept: going on would only fail again. */
export class TooLarge extends CommandRefused {
  constructor(most: number) {
    super(552, `A file may have at most ${most} bytes here: nothing was stored.`);
  }
}

/** What ALLO told. @throws TooLarge */
export function checkAnnouncedSize({ services }: Session, announcedBytes: number): void {
  const { maxUploadBytes: most } = services;
  if (most > 0 && announcedBytes > most) throw new TooLarge(most);
}

/** Before `more` bytes are added. @throws TooLarge */
export function checkRoom({ services }: Session, upload: Upload, more: number): void {
  const { maxUploadBytes: most } = services;
  if (most > 0 && upload.size + more > most) throw new TooLarge(most);
}
