/**
 * A disk that forgets, without root: imported first, it writes down every change of names and bytes below a folder that no
 * fsync has covered yet, and when this process is about to kill itself (as failpoints do) it takes those back. Stricter
 * than any real file system: a name is durable only when its own directory was flushed, bytes only when their file was.
 * What SQLite writes it cannot see: the catalog must lie elsewhere and keeps all.
 */
import fs from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';

interface Change {
  /** A flush of this makes it durable: the directory of a name, the file whose time was set. */
  readonly flushedBy: string;
  readonly undo: () => void;
}

let pending: Change[] = [];
/** Inodes with bytes that were not flushed. */
const unflushed = new Set<bigint>();
let saved = 0;

/** Starts to watch. `attic`: a folder on the same file system, outside of `folder`, for what may have to come back. */
export function forgetBelow(folder: string, attic: string): void {
  const real = { ...fs };
  const realOpen = promises.open;
  const realUnlink = promises.unlink;
  const isWatched = (path: unknown): path is string =>
    typeof path === 'string' && (path === folder || path.startsWith(`${folder}/`));
  const exists = (path: string) => real.lstatSync(path, { throwIfNoEntry: false }) !== undefined;

  /** Keeps what a change takes away; gives back how to restore it. */
  const save = (path: string): (() => void) => {
    if (!exists(path) || real.lstatSync(path).isDirectory()) return () => {};
    saved += 1;
    const kept = join(attic, String(saved));
    real.linkSync(path, kept);
    return () => real.renameSync(kept, path);
  };
  const noted = (flushedBy: string, undo: () => void): void => {
    pending.push({ flushedBy, undo });
  };
  const created = (path: string): void => noted(dirname(path), () => real.rmSync(path, { recursive: true }));

  fs.renameSync = (from, to) => {
    if (!isWatched(from) || !isWatched(to)) return real.renameSync(from, to);
    const restore = save(to);
    real.renameSync(from, to);
    noted(dirname(to), () => {
      real.renameSync(to, from);
      restore();
    });
  };
  fs.linkSync = (from, to) => {
    real.linkSync(from, to);
    if (isWatched(to)) created(to);
  };
  fs.unlinkSync = (path) => {
    const restore = isWatched(path) ? save(path) : undefined;
    real.unlinkSync(path);
    if (restore !== undefined) noted(dirname(String(path)), restore);
  };
  promises.unlink = async (path) => {
    const restore = isWatched(path) ? save(path) : undefined;
    await realUnlink(path);
    if (restore !== undefined) noted(dirname(String(path)), restore);
  };
  fs.mkdirSync = ((path: string, options?: fs.MakeDirectoryOptions) => {
    const isNew = isWatched(path) && !exists(path);
    real.mkdirSync(path, options);
    if (isNew) created(path);
  }) as typeof fs.mkdirSync;
  fs.rmdirSync = (path) => {
    real.rmdirSync(path);
    if (isWatched(path)) noted(dirname(path), () => real.mkdirSync(path));
  };
  fs.utimesSync = (path, atime, mtime) => {
    const before = isWatched(path) ? real.statSync(path) : undefined;
    real.utimesSync(path, atime, mtime);
    if (before !== undefined) {
      noted(String(path), () => real.utimesSync(path, before.atime, before.mtime));
    }
  };
  const names = new Map<number, string>();
  const inodeOf = (file: number) => real.fstatSync(file, { bigint: true }).ino;
  fs.openSync = (path, flags, mode) => {
    const isNew = isWatched(path) && !exists(path);
    const file = real.openSync(path, flags, mode);
    if (isNew && isWatched(path)) created(path);
    if (isWatched(path)) names.set(file, path);
    else names.delete(file);
    return file;
  };
  fs.futimesSync = (file, atime, mtime) => {
    const path = names.get(file);
    const before = real.fstatSync(file);
    real.futimesSync(file, atime, mtime);
    if (path !== undefined) noted(path, () => real.utimesSync(path, before.atime, before.mtime));
  };
  fs.writeSync = ((file: number, ...rest: [NodeJS.ArrayBufferView, number?]) => {
    if (names.has(file)) unflushed.add(inodeOf(file));
    return real.writeSync(file, ...rest);
  }) as typeof fs.writeSync;
  fs.fsyncSync = (file) => {
    real.fsyncSync(file);
    const path = names.get(file);
    pending = pending.filter(({ flushedBy }) => flushedBy !== path);
    unflushed.delete(inodeOf(file));
  };
  fs.fsync = ((file, callback) => {
    const path = names.get(file);
    // What comes while the flush is under way is not covered.
    const covered = new Set(pending.filter(({ flushedBy }) => flushedBy === path));
    const ino = inodeOf(file);
    real.fsync(file, (error) => {
      if (error === null) {
        pending = pending.filter((change) => !covered.has(change));
        unflushed.delete(ino);
      }
      callback(error);
    });
  }) as typeof fs.fsync;
  promises.open = async (path, flags, mode) => {
    const isNew = isWatched(path) && !exists(path);
    const handle = await realOpen(path, flags, mode);
    if (isNew && isWatched(path)) created(path);
    if (isWatched(path)) watch(handle, path);
    return handle;
  };

  const kill = process.kill.bind(process);
  process.kill = (pid, signal) => {
    if (pid !== process.pid || signal !== 'SIGKILL') return kill(pid, signal);
    for (const { undo } of pending.reverse()) attempt(undo);
    emptyUnflushed(folder);
    return kill(pid, signal);
  };
  syncBuiltinESMExports();
}

function watch(handle: FileHandle, path: string): void {
  const { sync, write, writeFile } = handle;
  const { ino } = fs.fstatSync(handle.fd, { bigint: true });
  handle.sync = async () => {
    // What comes while the flush is under way is not covered.
    const covered = new Set(pending.filter(({ flushedBy }) => flushedBy === path));
    await sync.call(handle);
    pending = pending.filter((change) => !covered.has(change));
    unflushed.delete(ino);
  };
  handle.write = ((...args: Parameters<FileHandle['write']>) => {
    unflushed.add(ino);
    return write.apply(handle, args);
  }) as FileHandle['write'];
  handle.writeFile = (...args) => {
    unflushed.add(ino);
    return writeFile.apply(handle, args);
  };
}

/** What a change before it has taken along is not there to be taken back. */
function attempt(undo: () => void): void {
  try {
    undo();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

function emptyUnflushed(folder: string): void {
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && unflushed.has(fs.lstatSync(path, { bigint: true }).ino)) fs.truncateSync(path, 0);
  }
}
