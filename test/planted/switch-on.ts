/**
 * `node --import <this file>?bug=<name>`: src/system/planted-bug.ts is replaced by planted-bug-on.ts, which says yes to
 * that one bug. Without a name nothing is planted, but everything runs as it does with one: the runs to compare with.
 */
import { registerHooks } from 'node:module';

const bug = new URL(import.meta.url).searchParams.get('bug') ?? '';
const constant = new URL('../../src/system/planted-bug.ts', import.meta.url).href;
const switched = new URL(`planted-bug-on.ts?${new URLSearchParams({ bug })}`, import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    return found.url === constant ? { ...found, url: switched } : found;
  },
});
