/** Which uploads were kept here since the start of the gateway (shown-parts.ts). */
import { parentOf } from '../../ftp/virtual-path.ts';

/** The oldest are forgotten. */
const MOST_KEPT = 1000;

/** Paths as their users say them. */
export class KeptLately {
  readonly #kept = new Map<string, { readonly user: string; readonly path: string }>();

  add(user: string, path: string): void {
    const key = `${user}\0${path}`;
    this.#kept.delete(key);
    this.#kept.set(key, { user, path });
    if (this.#kept.size <= MOST_KEPT) return;
    const oldest = this.#kept.keys().next();
    if (oldest.done !== true) this.#kept.delete(oldest.value);
  }

  in(folder: string, ofUser: string): string[] {
    return [...this.#kept.values()]
      .filter(({ user, path }) => user === ofUser && parentOf(path) === folder)
      .map(({ path }) => path);
  }

  forget(user: string, path: string): void {
    this.#kept.delete(`${user}\0${path}`);
  }
}
