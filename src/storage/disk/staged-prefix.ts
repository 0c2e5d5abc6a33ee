/** APPE and REST: a staging file that begins with bytes this replica has. */
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Refusal } from '../../replication/operation.ts';
import type { OpenedObject } from '../store-api.ts';
import { errnoOf, givenUp } from '../store-errors.ts';
import type { Staging } from './staging.ts';

/** Closes the object. Throws Refusal invalid when it is shorter; then the staging file is gone. */
export async function copyPrefix(
  staging: Staging,
  object: OpenedObject,
  id: string,
  length: number,
): Promise<void> {
  try {
    if (!Number.isSafeInteger(length) || length < 0 || length > object.size) {
      throw new Refusal('invalid', `the file has ${object.size} bytes, fewer than the prefix`);
    }
    // By descriptor, so that a rename meanwhile cannot hand us another file.
    await copyBytes(`/proc/self/fd/${object.handle.fd}`, staging.path(id), length);
  } catch (error) {
    await staging.drop(id);
    throw errnoOf(error) === 'ENOENT' ? givenUp(error) : error;
  } finally {
    await object.handle.close();
  }
}

/** The first `length` bytes of a file into one that is there and empty. */
export async function copyBytes(source: string, path: string, length: number): Promise<void> {
  if (length === (await stat(source)).size) await copyFile(source, path, constants.COPYFILE_FICLONE);
  else if (length > 0) {
    await pipeline(createReadStream(source, { end: length - 1 }), createWriteStream(path, { flags: 'r+' }));
  }
}
